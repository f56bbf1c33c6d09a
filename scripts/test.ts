// npm test [-- GROUP… [FILTER or OPTION of vitest…]]: checks, unit, oracle and e2e tests, one after the other.
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkNames, describeCheck, runChecks } from './checks.ts'
import { root, runTool } from './command.ts'
import type { Tally } from './tally-reporter.ts'
import { prepareGroup } from './test-packages.ts'

const groups = ['check', 'unit', 'oracle', 'e2e'] as const
type Group = (typeof groups)[number]
/** The projects of vitest.config.ts that a group is made of, which run beside one another. */
const projectsOf = { unit: ['unit'], oracle: ['oracle'], e2e: ['e2e', 'e2e-free-ports'] }
interface Count {
  passed: number
  /** Said again in the end: the last lines of a long log are the ones that are read. */
  failed: string[]
  skipped: number
}

const words = process.argv.slice(2)
const isGroup = (word: string): word is Group => (groups as readonly string[]).includes(word)
const named = words.filter(isGroup)
const passedOn = words.filter((word) => !isGroup(word))
// A filter names test files, which the checks have none of.
const chosen = named.length > 0 ? named : passedOn.length > 0 ? groups.slice(1) : groups

const folder = mkdtempSync(join(tmpdir(), 'larder-test-'))
const total: Count = { passed: 0, failed: [], skipped: 0 }
let allExitedClean = true as boolean
try {
  for (const group of chosen) {
    console.log(`\n── ${group} ──`)
    const count = await runGroup(group)
    total.passed += count.passed
    total.failed.push(...count.failed)
    total.skipped += count.skipped
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (total.failed.length > 0) console.log(['', 'Failed:', ...total.failed.map((name) => `  ${name}`)].join('\n'))
console.log(`\n${total.passed} passed, ${total.failed.length} failed, ${total.skipped} skipped`)
process.exitCode = allExitedClean && total.failed.length === 0 ? 0 : 1

async function runGroup(group: Group): Promise<Count> {
  if (group === 'check') return runCheckGroup()
  const obstacle = group === 'unit' ? undefined : await prepareGroup(group, (line) => console.log(line))
  return obstacle === undefined ? runVitest(group) : skipGroup(group, obstacle)
}

async function runCheckGroup(): Promise<Count> {
  const results = await runChecks(checkNames, (result) => console.log(describeCheck(result)))
  const failed = results.filter((result) => result.exitCode !== 0).map(({ name }) => `check: ${name}`)
  return { passed: results.length - failed.length, failed, skipped: 0 }
}

async function runVitest(group: keyof typeof projectsOf): Promise<Count> {
  const counts = await Promise.all(projectsOf[group].map((project, index) => runProject(project, index === 0)))
  return {
    passed: counts.reduce((sum, { passed }) => sum + passed, 0),
    failed: counts.flatMap(({ failed }) => failed),
    skipped: counts.reduce((sum, { skipped }) => sum + skipped, 0),
  }
}

/** What is not told live is told in one piece, when it has ended. */
async function runProject(project: string, live: boolean): Promise<Count> {
  const path = join(folder, `${project}.json`)
  // Files of these share nothing. vitest itself would leave one of two processors alone.
  const workers = ['unit', 'oracle'].includes(project) ? ['--maxWorkers', String(availableParallelism())] : []
  const args = ['run', '--project', project, ...workers, ...passedOn]
  const { exitCode, output } = await runTool('vitest/vitest.mjs', args, { live, environment: { LARDER_TALLY: path } })
  process.stdout.write(output)
  const tally = readTally(path)
  if (exitCode !== 0) allExitedClean = false
  // No tally: vitest itself did not come to its end.
  if (tally === undefined)
    return { passed: 0, failed: exitCode === 0 ? [] : [`${project}: vitest broke off`], skipped: 0 }
  return { passed: tally.passed, failed: tally.failed, skipped: tally.skipped.length }
}

function readTally(path: string): Tally | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Tally) : undefined
}

/** A group that cannot run counts by its files; where nothing may be skipped, it has failed. */
function skipGroup(group: Group, reason: string): Count {
  const files = globSync(`test/${group}/**/*.${group}.test.ts`, { cwd: root }).length
  console.log(`SKIPPED: the ${files} test files of ${group}: ${reason}`)
  if (process.env['CI'] !== 'true') return { passed: 0, failed: [], skipped: files }
  console.log('CI=true: nothing may be skipped')
  return { passed: 0, failed: [`${group}: all ${files} test files were skipped`], skipped: 0 }
}
