import { formatProblem, isLarderError, plainText, type Problem } from '../../core/index.ts'

/** Tells a failure to people or programs on standard error; answers the exit status. */
export function reportFailure(error: unknown, json: boolean): number {
  if (isRefusedByHost(error)) {
    say(`larder: ${error.message}\n  ${ownerHint}`)
    return 1
  }
  if (!isLarderError(error)) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    say(`larder: this should not have happened; please report it:\n${detail}`)
    return 1
  }
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: error.toJSON() })}\n`)
    return error.exitCode
  }
  say(`larder: ${error.message} [${error.code}]`)
  const problems = (error.context['problems'] ?? []) as Problem[]
  for (const problem of problems) say(`  ${formatProblem(problem)}`)
  if (error.hint !== undefined) say(`  ${error.hint}`)
  return error.exitCode
}

function say(line: string): void {
  process.stderr.write(`${plainText(line)}\n`)
}

const ownerHint = 'Run the command as the user that this belongs to, or choose another folder: --data, or LARDER_DATA.'

/** A file or folder of another user, or of a file system that is read-only. */
function isRefusedByHost(error: unknown): error is NodeJS.ErrnoException {
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException
  return path !== undefined && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
}
