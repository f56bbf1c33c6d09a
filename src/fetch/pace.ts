import { type Clock, LarderError } from '../core/index.ts'

/**
 * Watches that an upstream keeps delivering. Only the time in which we wait for the upstream counts, so neither
 * a slow disk nor our own bandwidth limit is held against it.
 */
export class Pace {
  readonly #clock: Clock
  readonly #stallMs: number
  readonly #minBytesPerSecond: number
  #waitedMs = 0
  #waitingSinceMs: number | undefined
  #bytes = 0

  constructor(clock: Clock, limits: { stallMs: number; minBytesPerSecond: number }) {
    this.#clock = clock
    this.#stallMs = limits.stallMs
    this.#minBytesPerSecond = limits.minBytesPerSecond
  }

  /** Now it is the upstream's turn. */
  waiting(): void {
    this.#waitingSinceMs = this.#clock.monotonicMs()
  }

  /** So many bytes came. */
  received(sizeBytes: number): void {
    this.#bytes += sizeBytes
    if (this.#waitingSinceMs === undefined) return
    this.#waitedMs += this.#clock.monotonicMs() - this.#waitingSinceMs
    this.#waitingSinceMs = undefined
  }

  /** Aborts `transfer` with FETCH_TOO_SLOW when the upstream falls behind. Ends when `done` is aborted. */
  async watch(transfer: AbortController, done: AbortSignal, what: string): Promise<void> {
    while (await this.#tick(done)) {
      const sinceMs = this.#waitingSinceMs
      const waitedMs = this.#waitedMs + (sinceMs === undefined ? 0 : this.#clock.monotonicMs() - sinceMs)
      if (waitedMs < this.#stallMs) continue
      if (this.#bytes < (this.#minBytesPerSecond * waitedMs) / 1000) {
        transfer.abort(
          new LarderError('FETCH_TOO_SLOW', {
            message: `${what} delivered ${this.#bytes} bytes in ${Math.round(waitedMs / 100) / 10} s`,
            hint: 'try again later, or give the upstream another address as well',
          }),
        )
        return
      }
      this.#bytes = 0
      this.#waitedMs = 0
      if (sinceMs !== undefined) this.#waitingSinceMs = this.#clock.monotonicMs()
    }
  }

  async #tick(done: AbortSignal): Promise<boolean> {
    try {
      await this.#clock.sleep(Math.max(1, this.#stallMs / 8), done)
    } catch (error) {
      if (!done.aborted) throw error
    }
    return !done.aborted
  }
}
