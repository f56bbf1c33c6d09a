import { LarderError } from '../../core/index.ts'

export interface ProgramOptions {
  signal: AbortSignal
  /** The package of Debian that brings it, for the hint. */
  package: string
  /** Default 120,000. */
  timeoutMs?: number
  input?: Buffer
  environment?: Readonly<Record<string, string>>
  /** Called with each line that it prints, of both outputs, as it comes. */
  onLine?: (line: string) => void
}

export interface ProgramAnswer {
  /** 128 and more where a signal ended it. */
  code: number
  stdout: string
  stderr: string
}

/** Administrators' programs are not on everybody's PATH. */
const programPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Runs a program to its end, without a shell and in an environment of its own. What it answers is for the caller to
 * judge. TOOL_MISSING, CANCELLED; FLEET_MACHINE_FAILED when it takes longer than it may.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramAnswer> {
  const { signal, timeoutMs = 120_000, input, environment = {}, onLine } = options
  // Loaded by who needs it: it takes a tenth of a start.
  const { execa } = await import('execa')
  const subprocess = execa(program, args, {
    extendEnv: false,
    env: { LC_ALL: 'C.UTF-8', TZ: 'UTC', HOME: '/nonexistent', ...environment, PATH: programPath },
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    maxBuffer: 8 * 1024 * 1024,
    cancelSignal: signal,
    timeout: timeoutMs,
    forceKillAfterDelay: 2000,
    all: true,
    reject: false,
  })
  if (onLine !== undefined) await tell(subprocess.iterable({ from: 'all' }), onLine)
  const result = await subprocess
  if (signal.aborted) throw new LarderError('CANCELLED', { message: `${program} was stopped` })
  if (result.code === 'ENOENT') throw toolMissing(program, options.package)
  if (result.timedOut) throw tooSlow(program, args, timeoutMs)
  return { code: result.exitCode ?? 128, stdout: result.stdout, stderr: result.stderr }
}

/** The same, for what has to succeed. `failure` is what could not be done: `web-1 could not be started`. */
export async function requireProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions & { failure: string },
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, options)
  if (code === 0) return stdout
  throw programFailed(program, `${stdout}\n${stderr}`, options.failure)
}

/** FLEET_MACHINE_FAILED with the last lines that a program said; DISK_FULL where that was it. */
export function programFailed(program: string, said: string, failure: string): LarderError {
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  const last = lines.slice(-5).join('; ').slice(0, 1000)
  const isFull = /no space left on device/i.test(said)
  return new LarderError(isFull ? 'DISK_FULL' : 'FLEET_MACHINE_FAILED', {
    message: `${failure}: ${program} says: ${last === '' ? 'nothing' : last}`,
    ...(isFull ? { hint: 'Make room where machines are kept.' } : {}),
    context: { program },
  })
}

async function tell(lines: AsyncIterable<unknown>, onLine: (line: string) => void): Promise<void> {
  for await (const line of lines) onLine(String(line).slice(0, 2000))
}

/** TOOL_MISSING */
export function toolMissing(program: string, name: string): LarderError {
  return new LarderError('TOOL_MISSING', {
    message: `${program} is not installed`,
    hint: `apt-get install ${name}`,
    context: { program, package: name },
  })
}

function tooSlow(program: string, args: readonly string[], timeoutMs: number): LarderError {
  return new LarderError('FLEET_MACHINE_FAILED', {
    message: `${program} ${args.slice(0, 3).join(' ')} did not end within ${Math.round(timeoutMs / 1000)} s.`,
    hint: 'Look whether it can be used on this host at all.',
    context: { program },
  })
}
