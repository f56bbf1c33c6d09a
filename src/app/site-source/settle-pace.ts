/** Rounds of a second that need not wait. */
const freeRounds = 5
const pauseMs = 250

/**
 * Each round of settling asks the forge, by a process of its own. News that come now and then are settled at once; in a
 * flood they are collected between two rounds, so that what arrives is not kept waiting for processes that bring nothing.
 */
export class SettlePace {
  readonly #startedMs: number[] = []

  /** Milliseconds that a round has to wait which could begin now. */
  waitMs(nowMs: number): number {
    const recent = this.#startedMs.filter((startedMs) => nowMs - startedMs < 1000)
    const last = recent.at(-1)
    return last === undefined || recent.length < freeRounds ? 0 : Math.max(0, last + pauseMs - nowMs)
  }

  started(nowMs: number): void {
    this.#startedMs.push(nowMs)
    if (this.#startedMs.length > freeRounds) this.#startedMs.shift()
  }
}
