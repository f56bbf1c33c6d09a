import type { Worker } from 'node:worker_threads'
import { startWorker } from './compile-in-worker.ts'

/** A thread that begins while what it is to compile is still being downloaded: a start takes a tenth of a second. */
export class SpareWorker {
  #worker: Worker | undefined

  start(): void {
    if (this.#worker !== undefined) return
    const worker = startWorker()
    this.#worker = worker
    // One that ends by itself is not handed out; the next that is started says what is wrong.
    const forget = (): void => {
      if (this.#worker === worker) this.#worker = undefined
    }
    worker.once('error', forget)
    worker.once('exit', forget)
  }

  /** The one that was started, once; then undefined. */
  take(): Worker | undefined {
    const worker = this.#worker
    this.#worker = undefined
    return worker
  }

  /** Ends one that nobody took. */
  async stop(): Promise<void> {
    await this.take()?.terminate()
  }
}
