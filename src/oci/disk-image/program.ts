import { LarderError } from '../../core/index.ts'

export interface ProgramOptions {
  signal: AbortSignal
  /** The package of Debian that brings it, for the hint. */
  package: string
  /** What it is to do, for messages: `the file system cannot be made`. */
  failure: string
  environment?: Record<string, string>
  /** Default 1,800,000. */
  timeoutMs?: number
}

/** Administrators' programs are not on everybody's PATH. */
const programPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Runs a program to its end, without a shell, in the C locale. Answers what it said on standard error, of which some
 * programs say there alone what went wrong. TOOL_MISSING, CANCELLED, DISK_FULL, DISK_IMAGE_FAILED.
 */
export async function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const { signal, environment = {}, timeoutMs = 1_800_000 } = options
  // Loaded by who builds: it takes a tenth of a start.
  const { execa } = await import('execa')
  const result = await execa(program, args, {
    extendEnv: false,
    env: { LC_ALL: 'C', TZ: 'UTC', ...environment, PATH: programPath },
    stdin: 'ignore',
    stdout: 'ignore',
    maxBuffer: { stderr: 1024 * 1024 },
    cancelSignal: signal,
    timeout: timeoutMs,
    forceKillAfterDelay: 2000,
    reject: false,
  })
  if (signal.aborted) throw new LarderError('CANCELLED', { message: `${program} was stopped` })
  if (result.code === 'ENOENT') throw missing(program, options)
  if (result.failed)
    throw failed(program, result.timedOut ? `it took longer than ${timeoutMs} ms` : result.stderr, options)
  return result.stderr
}

/** Says what a program said. DISK_FULL where that was it. */
export function failed(program: string, said: string, { failure }: Pick<ProgramOptions, 'failure'>): LarderError {
  const lines = said.trim().split('\n').slice(-5).join('; ').slice(0, 1000)
  const isFull = /No space left on device/.test(said)
  return new LarderError(isFull ? 'DISK_FULL' : 'DISK_IMAGE_FAILED', {
    message: `${failure}: ${program} says: ${lines === '' ? 'nothing' : lines}`,
    ...(isFull ? { hint: 'Make room where images are built; several times the size of the image is needed.' } : {}),
    context: { program },
  })
}

function missing(program: string, { failure, package: name }: ProgramOptions): LarderError {
  return new LarderError('TOOL_MISSING', {
    message: `${failure}: ${program} is not installed`,
    hint: `apt-get install ${name}`,
    context: { program, package: name },
  })
}
