/** Rounds of a second that need not wait: of all, and of those that ask the forge. */
const [freeRounds, freeFetches] = [20, 5]
const pauseMs = 250

/**
 * A round of settling that asks the forge takes processes, and any takes a transaction. News that come now and then are
 * settled at once; in a flood they are collected between two rounds, so that what arrives is not kept waiting for work
 * that brings nothing.
 */
export class SettlePace {
  readonly #roundsMs: number[] = []
  readonly #fetchesMs: number[] = []

  /** Milliseconds that a round has to wait which could begin now. */
  waitMs(nowMs: number): number {
    return Math.max(waitOf(this.#roundsMs, freeRounds, nowMs), waitOf(this.#fetchesMs, freeFetches, nowMs))
  }

  started(nowMs: number): void {
    note(this.#roundsMs, freeRounds, nowMs)
  }

  /** The round that was started asks the forge. */
  fetches(nowMs: number): void {
    note(this.#fetchesMs, freeFetches, nowMs)
  }
}

function waitOf(startedMs: readonly number[], free: number, nowMs: number): number {
  const recent = startedMs.filter((one) => nowMs - one < 1000)
  const last = recent.at(-1)
  return last === undefined || recent.length < free ? 0 : Math.max(0, last + pauseMs - nowMs)
}

function note(startedMs: number[], most: number, nowMs: number): void {
  startedMs.push(nowMs)
  if (startedMs.length > most) startedMs.shift()
}
