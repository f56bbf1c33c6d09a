import { type Clock, LarderError } from '../core/index.ts'

export interface PaceLimits {
  stallMs: number
  minBytesPerSecond: number
}

/**
 * How an upstream delivers. Only the time in which we wait for the upstream counts, so neither a slow disk nor our
 * own bandwidth limit nor a host that stands still is held against it.
 */
export class Pace {
  readonly #clock: Clock
  readonly #limits: PaceLimits
  readonly #what: string
  readonly #transfer: AbortController
  #waitedMs = 0
  #waitingSinceMs: number | undefined
  #bytes = 0

  /** `transfer` is aborted with FETCH_TOO_SLOW when the upstream falls behind; `what` names it. */
  constructor(clock: Clock, options: { limits: PaceLimits; transfer: AbortController; what: string }) {
    this.#clock = clock
    this.#limits = options.limits
    this.#transfer = options.transfer
    this.#what = options.what
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

  /**
   * To be called several times in `stallMs`. `lateMs`: so much later than it was to be. This process stood still for that time, or
   * its host did, and what came meanwhile is still to be read.
   */
  judge(lateMs = 0): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#waitingSinceMs !== undefined) this.#waitingSinceMs = Math.min(nowMs, this.#waitingSinceMs + lateMs)
    const sinceMs = this.#waitingSinceMs
    const waitedMs = this.#waitedMs + (sinceMs === undefined ? 0 : nowMs - sinceMs)
    if (waitedMs < this.#limits.stallMs) return
    if (this.#bytes < (this.#limits.minBytesPerSecond * waitedMs) / 1000) {
      this.#transfer.abort(
        new LarderError('FETCH_TOO_SLOW', {
          message: `${this.#what} delivered ${this.#bytes} bytes in ${Math.round(waitedMs / 100) / 10} s`,
          hint: 'try again later, or give the upstream another address as well',
        }),
      )
    }
    this.#bytes = 0
    this.#waitedMs = 0
    if (sinceMs !== undefined) this.#waitingSinceMs = nowMs
  }
}
