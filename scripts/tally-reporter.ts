import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** What came of one run of vitest. */
export interface Tally {
  passed: number
  failed: number
  skipped: { name: string; reason: string }[]
}

/**
 * Names every skipped test with its reason, and fails the run for it when `CI=true`: a test that never runs
 * there protects nobody. The exception is a test that cannot apply, which says why:
 * `context.skip('cannot apply: <reason>')`. The tally goes to the file that LARDER_TALLY names.
 */
export class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tally = tallyOf(modules, unhandledErrors.length)
    for (const { name, reason } of tally.skipped) console.log(`skipped: ${name} (${reason})`)
    if (process.env['CI'] === 'true') failForSkips(tally)
    const path = process.env['LARDER_TALLY']
    if (path !== undefined) writeFileSync(path, JSON.stringify(tally))
  }
}

/** Whatever was skipped without an excuse counts as failed. */
function failForSkips(tally: Tally): void {
  const excused = tally.skipped.filter(({ reason }) => reason.startsWith('cannot apply: '))
  const unexcused = tally.skipped.length - excused.length
  if (unexcused === 0) return
  console.log(`CI=true: ${unexcused} skipped tests count as failed`)
  tally.skipped = excused
  tally.failed += unexcused
  process.exitCode = 1
}

function tallyOf(modules: readonly TestModule[], unhandledCount: number): Tally {
  const tally: Tally = { passed: 0, failed: unhandledCount, skipped: [] }
  for (const module of modules) {
    const tests = [...module.children.allTests()]
    // A file that broke before or beside its tests: an import, a hook.
    const broken = module.errors().length + [...module.children.allSuites()].flatMap((suite) => suite.errors()).length
    tally.failed += broken
    for (const test of tests) count(tally, test)
  }
  return tally
}

function count(tally: Tally, test: TestCase): void {
  const result = test.result()
  if (result.state === 'passed') tally.passed += 1
  else if (result.state === 'failed') tally.failed += 1
  else {
    const reason = result.state === 'skipped' ? (result.note ?? 'no reason given') : 'did not run'
    tally.skipped.push({ name: `${test.module.relativeModuleId} > ${test.fullName}`, reason })
  }
}
