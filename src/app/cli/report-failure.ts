import { formatProblem, isLarderError, type Problem } from '../../core/index.ts'

/** Tells a failure to people or programs on standard error; answers the exit status. */
export function reportFailure(error: unknown, json: boolean): number {
  if (!isLarderError(error)) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`larder: this should not have happened; please report it:\n${detail}\n`)
    return 1
  }
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: error.toJSON() })}\n`)
    return error.exitCode
  }
  process.stderr.write(`larder: ${error.message} [${error.code}]\n`)
  const problems = (error.context['problems'] ?? []) as Problem[]
  for (const problem of problems) process.stderr.write(`  ${formatProblem(problem)}\n`)
  if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`)
  return error.exitCode
}
