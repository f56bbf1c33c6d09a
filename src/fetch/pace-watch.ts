import type { Clock } from '../core/index.ts'
import { Pace, type PaceLimits } from './pace.ts'

/** Watches all transfers with one timer: each with its own would cost as much as a small file takes to arrive. */
export class PaceWatch {
  readonly #clock: Clock
  readonly #limits: PaceLimits
  readonly #paces = new Set<Pace>()
  #idle: AbortController | undefined

  constructor(clock: Clock, limits: PaceLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Aborts `transfer` with FETCH_TOO_SLOW when its upstream falls behind, until `end` is called with the pace. */
  begin(transfer: AbortController, what: string): Pace {
    const pace = new Pace(this.#clock, { limits: this.#limits, transfer, what })
    this.#paces.add(pace)
    if (this.#idle === undefined) this.#watch((this.#idle = new AbortController()).signal)
    return pace
  }

  end(pace: Pace): void {
    this.#paces.delete(pace)
    // Between two files that follow each other the watch goes on: only a fetcher with nothing to do ends it.
    if (this.#paces.size === 0) setImmediate(() => this.#endIfIdle())
  }

  #endIfIdle(): void {
    if (this.#paces.size > 0) return
    this.#idle?.abort()
    this.#idle = undefined
  }

  #watch(idle: AbortSignal): void {
    const everyMs = Math.max(1, this.#limits.stallMs / 8)
    const dueAtMs = this.#clock.monotonicMs() + everyMs
    const tick = (): void => {
      if (idle.aborted) return
      const lateMs = Math.max(0, this.#clock.monotonicMs() - dueAtMs)
      for (const pace of this.#paces) pace.judge(lateMs)
      this.#watch(idle)
    }
    this.#clock.sleep(everyMs, idle).then(tick, () => undefined)
  }
}
