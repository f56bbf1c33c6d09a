import { availableParallelism } from 'node:os'
import { runTool, type CommandResult } from './command.ts'

interface Check {
  name: string
  tool: string
  args: string[]
  environment?: Record<string, string>
  mend: string
}

/** What every commit must pass, besides the tests. The slowest first, so that the others run beside it. */
const checks: readonly Check[] = [
  {
    // Types as well: oxlint asks the compiler for both at once.
    name: 'lint',
    tool: 'oxlint/bin/oxlint',
    args: [],
    // What knows types is a program in Go, which takes a quarter less time where it collects its garbage less often.
    environment: { GOGC: '400' },
    mend: 'node_modules/.bin/oxlint --fix FILE mends some; each rule: oxlint.config.ts, tsconfig.json',
  },
  {
    name: 'arrows',
    tool: 'dependency-cruiser/bin/dependency-cruiser.mjs',
    args: [
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'err-long',
      'src',
      'test',
      'bench',
      'demo',
      'scripts',
    ],
    mend: 'each rule and its reason: .dependency-cruiser.mjs',
  },
  {
    name: 'format',
    tool: 'oxfmt/bin/oxfmt',
    args: ['--check'],
    mend: 'npm run format',
  },
  {
    name: 'dead code',
    tool: 'knip/bin/knip.js',
    args: ['--no-progress', '--no-config-hints'],
    mend: 'remove what nothing uses, or use it',
  },
]

export interface CheckResult extends CommandResult {
  name: string
  mend: string
}

export const checkNames: readonly string[] = checks.map((check) => check.name)

/** Runs the checks, as many at once as there are cores; tells of each as it ends. */
export async function runChecks(names: readonly string[], tell: (result: CheckResult) => void): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  const waiting = checks.filter((check) => names.includes(check.name))
  const work = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const { name, mend, tool, args, environment = {} } = check
      const result = { ...(await runTool(tool, args, { environment })), name, mend }
      results.push(result)
      tell(result)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return results
}

/** One line when it passed; when not, also what the tool said. */
export function describeCheck(result: CheckResult): string {
  const line = `${result.exitCode === 0 ? '✓' : '✗'} ${result.name.padEnd(10)} ${(result.durationMs / 1000).toFixed(1)} s`
  return result.exitCode === 0 ? line : `${line}\n${result.output.trimEnd()}\n  (${result.mend})\n`
}
