import { writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** What came of one run of vitest. */
export interface Tally {
  passed: number
  /** Each by its name, with the first line of what was wrong; of a property, with what it fails for. */
  failed: string[]
  skipped: { name: string; reason: string }[]
}

/**
 * Names every skipped test with its reason, and fails the run for it when `CI=true`: a test that never runs
 * there protects nobody. The exception is a test that cannot apply, which says why:
 * `context.skip('cannot apply: <reason>')`. The tally goes to the file that LARDER_TALLY names.
 */
export class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tally = tallyOf(modules, unhandledErrors)
    for (const { name, reason } of tally.skipped) console.log(`skipped: ${name} (${reason})`)
    if (process.env['CI'] === 'true') failForSkips(tally)
    const path = process.env['LARDER_TALLY']
    if (path !== undefined) writeFileSync(path, JSON.stringify(tally))
  }
}

/** Whatever was skipped without an excuse counts as failed. */
function failForSkips(tally: Tally): void {
  const excused = tally.skipped.filter(({ reason }) => reason.startsWith('cannot apply: '))
  const unexcused = tally.skipped.filter((skip) => !excused.includes(skip))
  if (unexcused.length === 0) return
  console.log(`CI=true: ${unexcused.length} skipped tests count as failed`)
  tally.skipped = excused
  tally.failed.push(...unexcused.map(({ name, reason }) => `${name} (skipped: ${reason})`))
  process.exitCode = 1
}

function tallyOf(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Tally {
  const tally: Tally = { passed: 0, failed: unhandledErrors.map(describeUnhandled), skipped: [] }
  for (const module of modules) {
    // A file that broke before or beside its tests: an import, a hook.
    for (const part of [module, ...module.children.allSuites()])
      for (const error of part.errors()) tally.failed.push(`${module.relativeModuleId}: ${firstLine(error.message)}`)
    for (const test of module.children.allTests()) count(tally, test)
  }
  return tally
}

function describeUnhandled(error: unknown): string {
  const message = error instanceof Object && 'message' in error ? String(error.message) : String(error)
  return `beside all tests: ${firstLine(message)}`
}

function firstLine(message: string): string {
  return stripVTControlCharacters(message).split('\n', 1)[0]!.slice(0, 300)
}

/** fast-check says in the second line how to begin with that very example, and in the third which it is. */
function firstWords(message: string): string {
  const [first = '', seed = '', example = ''] = stripVTControlCharacters(message).split('\n')
  if (!example.startsWith('Counterexample: ')) return firstLine(first)
  return [first, seed, example].map((line) => line.slice(0, 300)).join('; ')
}

function count(tally: Tally, test: TestCase): void {
  const result = test.result()
  const name = `${test.module.relativeModuleId} > ${test.fullName}`
  if (result.state === 'passed') tally.passed += 1
  else if (result.state === 'failed') tally.failed.push(`${name}: ${firstWords(result.errors[0]?.message ?? '')}`)
  else
    tally.skipped.push({
      name,
      reason: result.state === 'skipped' ? (result.note ?? 'no reason given') : 'did not run',
    })
}
