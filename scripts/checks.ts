import { availableParallelism } from 'node:os'
import { runTool, type CommandResult } from './command.ts'

/** What every commit must pass, besides the tests. The slowest first, so that the others run beside it. */
const checks: readonly { name: string; tool: string; args: string[]; mend: string }[] = [
  {
    name: 'lint',
    tool: 'eslint/bin/eslint.js',
    // Without a cache: what a type-aware rule says of a file depends on other files.
    args: ['--max-warnings', '0', '.'],
    mend: 'node_modules/.bin/eslint --fix FILE mends some',
  },
  {
    name: 'types',
    tool: 'typescript/bin/tsc',
    args: ['-p', '.', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/tsc.json', '--pretty', 'false'],
    mend: 'see tsconfig.json',
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
    tool: 'prettier/bin/prettier.cjs',
    args: ['--check', '--cache', '--log-level', 'warn', '.'],
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
      const result = { ...(await runTool(check.tool, check.args)), name: check.name, mend: check.mend }
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
