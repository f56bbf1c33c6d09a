import type { Clock } from '../core/index.ts'

/** Slows all transfers together down to a rate. One second's worth may pass at once. */
export class Bandwidth {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  /** When all that was let through would have passed at the rate. */
  #paidUntilMs = 0

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Waits until so many bytes may pass; undefined when they may pass now. */
  take(sizeBytes: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#bytesPerSecond === Infinity) return undefined
    const nowMs = this.#clock.monotonicMs()
    const costMs = (sizeBytes / this.#bytesPerSecond) * 1000
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs - 1000) + costMs
    const waitMs = this.#paidUntilMs - nowMs
    return waitMs > 0 ? this.#clock.sleep(waitMs, signal) : undefined
  }
}
