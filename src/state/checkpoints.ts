import { Worker } from 'node:worker_threads'
import type { CheckpointResult } from './checkpoint-worker.ts'

export interface CheckpointOptions {
  /** Of the database. */
  path: string
  /** Does work while nobody else uses the database. */
  alone: (work: () => Promise<void>) => Promise<void>
  /** The thread has ended by itself: whoever commits is to bring the journal in again. */
  onEnd: () => void
}

const everyMs = 1000
/** 64 MiB. A journal that is longer is brought in to its end while nobody writes, and begins anew. */
const longJournalPages = 16_000

/**
 * Brings the journal into the database in a thread of its own: SQLite would do it in the thread that happens to commit,
 * and hold that up for 5 to 30 ms once in some hundred commits. Source: https://sqlite.org/wal.html#avoiding_excessively_large_wal_files
 */
export class Checkpoints {
  readonly #options: CheckpointOptions
  readonly #worker: Worker
  readonly #ended: Promise<void>
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #isOver = false

  constructor(options: CheckpointOptions) {
    this.#options = options
    this.#worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: { path: options.path },
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    })
    this.#worker.unref()
    // An error ends it, and that is what is acted on.
    this.#worker.on('error', () => undefined)
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        if (!this.#isOver) options.onEnd()
        this.#isOver = true
        resolve()
      })
    })
  }

  /** Something was committed: within a second or so it is brought in. */
  committed(): void {
    if (this.#timer !== undefined || this.#isOver) return
    this.#timer = setTimeout(() => {
      this.#working = this.#work().finally(() => {
        this.#timer = undefined
      })
    }, everyMs).unref()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    // Now it is waited for.
    this.#worker.ref()
    await this.#working
    if (this.#isOver) return
    this.#isOver = true
    this.#worker.postMessage('close')
    await this.#ended
  }

  async #work(): Promise<void> {
    const { pages, done } = await this.#ask()
    if (pages < longJournalPages || done === pages) return
    await this.#options.alone(async () => {
      await this.#ask()
    })
  }

  /** Nothing, when the thread ends meanwhile. */
  #ask(): Promise<CheckpointResult> {
    return new Promise((resolve) => {
      const nothing = (): void => resolve({ pages: 0, done: 0 })
      if (this.#isOver) {
        nothing()
        return
      }
      this.#worker.once('exit', nothing)
      this.#worker.once('message', (result: CheckpointResult) => {
        this.#worker.off('exit', nothing)
        resolve(result)
      })
      this.#worker.postMessage('checkpoint')
    })
  }
}
