import { spawn } from 'node:child_process'
import { LarderError } from '../../core/index.ts'
import { gitEnvironment } from './git-environment.ts'

export interface GitOptions {
  /** Bare repository; becomes `--git-dir`. */
  repository?: string
  /** Added to the hardened environment: the quarantine of a push. */
  environment?: Readonly<Record<string, string>>
  input?: string | Uint8Array
  /** Default 60,000. */
  timeoutMs?: number
  /** Default 16 MiB. */
  maxOutputBytes?: number
  /** Exit codes that are answers. Default `[0]`. */
  expectExitCodes?: readonly number[]
  signal?: AbortSignal
}

export interface GitAnswer {
  exitCode: number
  stdout: Buffer
  stderr: string
}

/**
 * Runs one git command to its end. Values from outside are validated by the caller (ref-name.ts) and come after
 * `--end-of-options`. GIT_FAILED, TOOL_MISSING, CANCELLED.
 */
export function runGit(args: readonly string[], options: GitOptions = {}): Promise<GitAnswer> {
  const { timeoutMs = 60_000, maxOutputBytes = 16 * 1024 * 1024, expectExitCodes = [0] } = options
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...gitDirectory(options.repository), ...safeguards, ...args], {
      env: gitEnvironment(options.environment),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let sizeBytes = 0
    let failure: LarderError | undefined
    const stop = (error: LarderError): void => {
      failure ??= error
      killGroup(child.pid, 'SIGKILL')
    }
    const timer = setTimeout(() => {
      stop(failed(args, `did not end within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    const onAbort = (): void => {
      stop(new LarderError('CANCELLED', { message: `git ${args[0]} was stopped.` }))
    }
    if (options.signal?.aborted) onAbort()
    options.signal?.addEventListener('abort', onAbort, { once: true })

    child.stdout.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes > maxOutputBytes) stop(failed(args, `answered with more than ${maxOutputBytes} bytes`))
      else stdout.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 64) stderr.push(chunk)
    })
    // git may end without having read all of it: its exit code tells what that means.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')

    child.on('error', (error: NodeJS.ErrnoException) => {
      failure ??= error.code === 'ENOENT' ? gitMissing(error) : failed(args, `could not be started: ${error.message}`)
      settle(-1)
    })
    child.on('close', (code) => {
      settle(code ?? -1)
    })

    function settle(exitCode: number): void {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      const complaint = Buffer.concat(stderr).toString('utf8').trim()
      if (failure) reject(failure)
      else if (!expectExitCodes.includes(exitCode)) reject(failed(args, `ended with ${exitCode}`, complaint))
      else resolve({ exitCode, stdout: Buffer.concat(stdout), stderr: complaint })
    }
  })
}

/** Ends a process and all it started; for processes that were spawned `detached`. */
export function killGroup(pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export function gitMissing(cause: unknown): LarderError {
  return new LarderError('TOOL_MISSING', {
    message: 'git is not installed, or not on the PATH.',
    hint: 'On Debian: apt-get install git',
    cause,
  })
}

/**
 * Arguments that every command gets: nothing in a repository's own configuration may start a program, nobody is led to
 * another address, which git would tell the login of this one, and a server that says nothing for a minute is away.
 */
export const safeguards = [
  '-c', 'core.fsmonitor=false',
  '-c', 'protocol.ext.allow=never',
  '-c', 'http.followRedirects=false',
  '-c', 'http.lowSpeedLimit=1',
  '-c', 'http.lowSpeedTime=60',
  '-c', 'gc.auto=0',
  '-c', 'maintenance.auto=false',
] as const // prettier-ignore

function gitDirectory(repository: string | undefined): string[] {
  return repository === undefined ? [] : [`--git-dir=${repository}`]
}

function failed(args: readonly string[], what: string, complaint = ''): LarderError {
  const lines = complaint.split('\n')
  // What comes before is about one of several ways that it has tried.
  const said = complaint === '' ? '' : `: ${lines.find((line) => line.startsWith('fatal: ')) ?? lines[0]}`
  return new LarderError('GIT_FAILED', {
    message: `git ${args[0]} ${what}${said}`,
    ...(isLoginRefused(complaint) ? { hint: loginHint } : {}),
    context: { command: args[0], ...(complaint === '' ? {} : { stderr: complaint.slice(0, 4000) }) },
  })
}

const loginHint =
  'Is the token or the password right, has it not expired, and may it read the repository? controller.yaml says where it is.'

/** By what git and ssh say of it. */
function isLoginRefused(complaint: string): boolean {
  return /Authentication failed|could not read (?:Username|Password)|returned error: 40[13]|Permission denied \(/.test(
    complaint,
  )
}
