import { spawn } from 'node:child_process'
import { LarderError } from '../../core/index.ts'
import type { Script } from '../shell/script.ts'
import type { HostAnswer, HostRunOptions } from './host.ts'
import { sshMissing } from './ssh-missing.ts'

/** A program that hands its standard input and what it prints to and from `hostCommand`: a shell here, or ssh. */
export interface Carrier {
  /** Of the machine; errors name it. */
  readonly host: string
  readonly file: string
  readonly args: readonly string[]
  /** What it starts there shares its process group, which is ended with it. Default: only the program itself is. */
  readonly isLocal?: boolean
}

const graceMs = 10_000
const killAfterMs = 6000
const drainMs = 300
const stderrBytes = 64 * 1024
const defaultOutputBytes = 64 * 1024 * 1024

/**
 * Starts it, gives it the script and what the script shall read, and collects what it prints. Its standard input stays
 * open as long as we live: when it ends, `hostCommand` ends all that it has started there.
 * FLEET_HOST_TIMEOUT, FLEET_HOST_FLOODED, CANCELLED, TOOL_MISSING. Whoever calls it knows what exit codes mean.
 */
export function runCommand(carrier: Carrier, script: Script, options: HostRunOptions): Promise<HostAnswer> {
  const { timeoutMs, signal, stdin, onOutput, maxOutputBytes = defaultOutputBytes } = options
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const child = spawn(carrier.file, carrier.args, { stdio: 'pipe', detached: true, env: environment, cwd: '/' })
    const stdout: Buffer[] = []
    const stderr = new Tail(stderrBytes)
    let sizeBytes = 0
    let failure: LarderError | undefined
    const timers: NodeJS.Timeout[] = []
    const after = (delayMs: number, work: () => void): void => {
      timers.push(setTimeout(work, delayMs))
    }
    const stop = (error: LarderError): void => {
      if (failure !== undefined) return
      failure = error
      end(child.pid, carrier, 'SIGTERM')
      after(killAfterMs, () => end(child.pid, carrier, 'SIGKILL'))
    }
    const onAbort = (): void => stop(new LarderError('CANCELLED', { message: `${carrier.host}: stopped.` }))

    after(timeoutMs + graceMs, () => stop(timedOut(carrier.host, timeoutMs)))
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      if (failure !== undefined) return
      sizeBytes += chunk.length
      if (sizeBytes > maxOutputBytes) return stop(flooded(carrier.host, maxOutputBytes))
      stdout.push(chunk)
      onOutput?.(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk))
    // It may end without having read all: its exit code tells what that means.
    child.stdin.on('error', () => {})
    child.stdin.write(inputOf(script))
    if (stdin !== undefined) child.stdin.write(stdin)

    const settle = (code: number | null, error?: Error): void => {
      for (const timer of timers) clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      for (const stream of child.stdio) stream?.destroy()
      const hasTimedOut = (code === 124 || code === 137) && performance.now() - startedMs >= timeoutMs
      if (error !== undefined) reject(error)
      else if (failure !== undefined) reject(failure)
      else if (hasTimedOut) reject(timedOut(carrier.host, timeoutMs))
      else resolve({ code: code ?? undefined, stdout: Buffer.concat(stdout), stderr: stderr.text() })
    }
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle(null, error.code === 'ENOENT' ? sshMissing(carrier.file) : error),
    )
    child.on('close', (code) => settle(code))
    // What it has left behind may hold its outputs open for ever.
    child.on('exit', (code) => after(drainMs, () => settle(code)))
  })
}

/** What `hostCommand` reads first. In braces, so that a script that is cut off is a syntax error and none of it is run. */
export function inputOf(script: Script): Buffer {
  return Buffer.from(`{ :\n${script.shell}\n}\n`)
}

/** Nothing of ours: no SSH agent, no language, no proxies. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' }

/** ssh is ended alone: the process that keeps the connection for others may be in its group. */
function end(pid: number | undefined, carrier: Carrier, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(carrier.isLocal === true ? -pid : pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The last bytes of what comes. */
class Tail {
  readonly #keepBytes: number
  #parts: Buffer[] = []
  #sizeBytes = 0

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes
  }

  add(chunk: Buffer): void {
    this.#parts.push(chunk)
    this.#sizeBytes += chunk.length
    if (this.#sizeBytes < 2 * this.#keepBytes) return
    const kept = Buffer.from(Buffer.concat(this.#parts).subarray(-this.#keepBytes))
    this.#parts = [kept]
    this.#sizeBytes = kept.length
  }

  text(): string {
    return Buffer.concat(this.#parts).subarray(-this.#keepBytes).toString('utf8')
  }
}

function timedOut(host: string, timeoutMs: number): LarderError {
  return new LarderError('FLEET_HOST_TIMEOUT', {
    message: `${host} did not answer within ${Math.round(timeoutMs / 100) / 10} s; what was started there was ended.`,
    hint: 'Look for what it waits for: a disk that does not answer, a program that asks something.',
    context: { host, timeoutMs },
  })
}

function flooded(host: string, limitBytes: number): LarderError {
  return new LarderError('FLEET_HOST_FLOODED', {
    message: `${host} printed more than ${limitBytes} bytes, and was not listened to any longer.`,
    hint: 'Look for a command that prints without end.',
    context: { host, limitBytes },
  })
}
