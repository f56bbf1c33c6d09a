// What demos run in: a folder, and all that they start, which is gone when they end, also when somebody ends them.
import { readFile, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { endFormerDemos, makeDemoFolder, tell } from './former-demos.ts'
import { say } from './pushed-site.ts'

export interface Demo extends AsyncDisposable {
  /** Of its own. */
  readonly folder: string
  /** Begins something that lasts. What was begun last ends first; what is just beginning at Ctrl-C is waited for, and ends. */
  use<T>(begin: () => Promise<T>, end: (begun: T) => PromiseLike<unknown>): Promise<T>
}

/** From here on SIGINT, SIGTERM and SIGHUP end everything that the demo has begun, and then the process: 128 and the signal. */
export async function openDemo(): Promise<Demo> {
  const stage = new Stage()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stage.interrupt(signal))
  await endFormerDemos()
  const folder = await stage.use(makeDemoFolder, async (path) => {
    await endPrograms()
    await rm(path, { recursive: true, force: true, maxRetries: 5 })
  })
  return {
    folder,
    use: (begin, end) => stage.use(begin, end),
    [Symbol.asyncDispose]: () => stage.end(),
  }
}

/** Programs that are under way when somebody ends the demo: they would write into its folder while that is removed. */
async function endPrograms(): Promise<void> {
  for (let looks = 0; looks < 100; looks++) {
    const programs = await childrenOf(process.pid)
    if (programs.length === 0) return
    for (const pid of programs) tell(pid, looks < 50 ? 'SIGTERM' : 'SIGKILL')
    await sleep(100)
  }
}

/** None where the kernel does not tell. Source: proc_pid_task(5). */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

class Stage {
  readonly #begun = new AsyncDisposableStack()
  readonly #beginning = new Set<Promise<unknown>>()
  #ending: Promise<void> | undefined
  #interruptedBy: NodeJS.Signals | undefined

  async use<T>(begin: () => Promise<T>, end: (begun: T) => PromiseLike<unknown>): Promise<T> {
    if (this.#ending !== undefined) throw new Error('The demo has ended.')
    const beginning = begin().then((begun) =>
      this.#begun.adopt(begun, async () => {
        await end(begun)
      }),
    )
    this.#beginning.add(beginning)
    try {
      return await beginning
    } finally {
      this.#beginning.delete(beginning)
    }
  }

  /** The demo itself may fail of what is taken from it, and is not heard any more. */
  interrupt(signal: NodeJS.Signals): void {
    if (this.#interruptedBy !== undefined) return
    this.#interruptedBy = signal
    say(`\n${signal}: what was made is removed …`)
    this.#ending ??= this.#endAll()
  }

  async end(): Promise<void> {
    this.#ending ??= this.#endAll()
    await this.#ending
  }

  async #endAll(): Promise<void> {
    await Promise.allSettled(this.#beginning)
    try {
      await this.#begun.disposeAsync()
    } catch (error) {
      if (this.#interruptedBy === undefined) throw error
      console.error(error)
    }
    if (this.#interruptedBy !== undefined) process.exit(128 + constants.signals[this.#interruptedBy])
  }
}
