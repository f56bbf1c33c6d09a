import { KindLocks } from './kind-locks.ts'
import { RunLane } from './run-lane.ts'
import type { RunnerOptions } from './runner.ts'

/**
 * A lane for each branch that has something to apply: what follows one branch does not wait for what follows another,
 * packages of main not for images that are built of develop.
 */
export class ApplyLanes {
  readonly #options: RunnerOptions
  readonly #locks = new KindLocks()
  readonly #lanes = new Map<string, RunLane>()
  #isStopping = false
  /** Looks for branches that have no lane yet. */
  #look: Promise<void> | undefined
  /** Something happened while it looked. */
  #isWoken = false
  #pause: NodeJS.Timeout | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  wake(): void {
    for (const lane of this.#lanes.values()) lane.wake()
    this.#isWoken = true
    if (this.#look !== undefined || this.#isStopping) return
    this.#look = this.#openLanes()
      .catch((error: unknown) => this.#lookLater(error))
      .finally(() => {
        this.#look = undefined
      })
  }

  /** Whether it was under way. */
  abort(id: number): boolean {
    return [...this.#lanes.values()].some((lane) => lane.abort(id))
  }

  async idle(): Promise<void> {
    do {
      await this.#look
      await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()))
    } while (this.#look !== undefined)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#pause)
    await this.#look
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()))
  }

  async #openLanes(): Promise<void> {
    while (this.#hasBeenWoken()) {
      this.#isWoken = false
      for (const branch of await this.#options.runs.branchesToApply()) {
        if (this.#lanes.has(branch)) continue
        const lane = new RunLane(this.#options, { goal: 'apply', branch }, this.#locks)
        this.#lanes.set(branch, lane)
        lane.wake()
      }
    }
  }

  /** A method, since the compiler does not see that `wake` may have been called during an await. */
  #hasBeenWoken(): boolean {
    return this.#isWoken && !this.#isStopping
  }

  #lookLater(error: unknown): void {
    const { log, retryDelayMs = 5000 } = this.#options
    log.error('what is to be applied could not be read; it is looked for again', { error })
    clearTimeout(this.#pause)
    this.#pause = setTimeout(() => this.wake(), retryDelayMs).unref()
  }
}
