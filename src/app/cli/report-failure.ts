import { formatProblem, isLarderError, LarderError, plainText, type Problem } from '../../core/index.ts'

/** Tells a failure to people or programs on standard error; answers the exit status. */
export function reportFailure(error: unknown, json: boolean): number {
  if (json) {
    const told = isLarderError(error) ? error : asLarderError(error)
    process.stderr.write(`${JSON.stringify({ error: told.toJSON() })}\n`)
    return told.exitCode
  }
  if (isRefusedByHost(error)) {
    say(`larder: ${error.message}\n  ${ownerHint}`)
    return 1
  }
  if (!isLarderError(error)) {
    say(`larder: this should not have happened; please report it:\n${traceOf(error)}`)
    return 1
  }
  say(`larder: ${error.message} [${error.code}]`)
  const problems = (error.context['problems'] ?? []) as Problem[]
  for (const problem of problems) say(`  ${formatProblem(problem)}`)
  if (error.hint !== undefined) say(`  ${error.hint}`)
  return error.exitCode
}

function asLarderError(error: unknown): LarderError {
  if (isRefusedByHost(error))
    return new LarderError('DATA_UNUSABLE', { message: error.message, hint: ownerHint, cause: error })
  const message = `This should not have happened: ${error instanceof Error ? error.message : String(error)}`
  const context = { trace: plainText(traceOf(error)) }
  return new LarderError('INTERNAL', { message, hint: 'Please report it.', cause: error, context })
}

function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
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
