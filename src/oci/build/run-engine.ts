import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { LarderError } from '../../core/index.ts'
import { longestLine } from './build-log.ts'
import type { Confinement } from './confinement.ts'

export interface EngineOptions {
  environment: Readonly<Record<string, string>>
  /** The whole tree of processes is ended then. */
  timeoutMs: number
  /** Lines of both outputs, in the order in which they came, and whether each is of the one for errors. */
  onLine: (line: string, isError: boolean) => void
  signal: AbortSignal
  /** Package of Debian that brings the program. */
  package: string
  /** Default: it runs as any program does. */
  confined?: { by: Confinement; isOffline: boolean } | undefined
  /** Ends it, when it answers a reason: looked at every second. */
  refuse?: (() => Promise<LarderError | undefined>) | undefined
}

const lookEveryMs = 1000

/**
 * Runs an engine as a group of processes of its own. Confined, it also has a space of process numbers and mounts of
 * its own, so that the kernel ends all that it has started when it ends, or when this process does, however that
 * happens. Answers its exit status. BUILD_ENGINE_MISSING, BUILD_TIMEOUT, CANCELLED, and what `refuse` answers.
 */
export function runEngine(program: string, args: readonly string[], options: EngineOptions): Promise<number> {
  const { environment, timeoutMs, onLine, signal } = options
  return new Promise((resolve, reject) => {
    const [command = program, ...rest] = [...prefixOf(options), program, ...args]
    const child = spawn(command, rest, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let failure: LarderError | undefined
    const stop = (error: LarderError): void => {
      failure ??= error
      killGroup(child.pid)
    }
    const onAbort = (): void => {
      stop(new LarderError('CANCELLED', { message: `${program} was stopped.` }))
    }
    const timer = setTimeout(() => {
      stop(timedOut(timeoutMs))
    }, timeoutMs)
    const watching = watch(options.refuse, stop)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    for (const output of [child.stdout, child.stderr]) {
      splitLines(output, (line) => {
        onLine(line, output === child.stderr)
      })
    }
    const settle = (work: () => void): void => {
      clearTimeout(timer)
      clearInterval(watching)
      signal.removeEventListener('abort', onAbort)
      // What it has started and left behind goes with it.
      killGroup(child.pid)
      work()
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle(() => {
        reject(error.code === 'ENOENT' ? missing(program, options.package) : error)
      })
    })
    child.on('close', (code) => {
      settle(() => {
        if (failure === undefined) resolve(code ?? 128)
        else reject(failure)
      })
    })
  })
}

/** Source: setpriv(1), unshare(1). */
function prefixOf({ confined }: EngineOptions): string[] {
  if (confined === undefined) return []
  const ending = ['setpriv', '--pdeathsig', 'KILL', '--']
  const space = ['unshare', '--pid', '--mount-proc', '--fork', '--kill-child=KILL']
  return [...confined.by.prefix, ...ending, ...space, ...(confined.isOffline ? ['--net'] : []), '--']
}

/** One look at a time. */
function watch(refuse: EngineOptions['refuse'], stop: (error: LarderError) => void): NodeJS.Timeout | undefined {
  if (refuse === undefined) return undefined
  let isLooking = false
  return setInterval(() => {
    if (isLooking) return
    isLooking = true
    refuse()
      .then(
        (error) => {
          if (error !== undefined) stop(error)
        },
        (error: unknown) => {
          const message = 'How much the build has written cannot be told any more.'
          stop(new LarderError('BUILD_ENGINE_FAILED', { message, cause: error }))
        },
      )
      .finally(() => {
        isLooking = false
      })
  }, lookEveryMs)
}

/** However long a line is, no more than its beginning is ever held. */
function splitLines(output: Readable, onLine: (line: string) => void): void {
  let held = ''
  let isCut = false
  const add = (text: string): void => {
    if (isCut) return
    held += text
    isCut = held.length > longestLine
    if (isCut) held = `${held.slice(0, longestLine)} …`
  }
  const end = (): void => {
    onLine(held.replace(/\r$/, ''))
    held = ''
    isCut = false
  }
  output.setEncoding('utf8')
  output.on('data', (text: string) => {
    let start = 0
    for (let newline = text.indexOf('\n'); newline >= 0; newline = text.indexOf('\n', start)) {
      add(text.slice(start, newline))
      end()
      start = newline + 1
    }
    add(text.slice(start))
  })
  output.on('end', () => {
    if (held !== '') end()
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function timedOut(timeoutMs: number): LarderError {
  return new LarderError('BUILD_TIMEOUT', {
    message: `The build did not end within ${Math.round(timeoutMs / 1000)} s.`,
    hint: 'Look at its log for what it waits for; or allow it more time by limits.minutes in images.json.',
  })
}

function missing(program: string, packageName: string): LarderError {
  return new LarderError('BUILD_ENGINE_MISSING', {
    message: `${program} is not installed.`,
    hint: `apt-get install ${packageName}`,
  })
}
