import { setTimeout as delay } from 'node:timers/promises'

/** The one way to time, so that a test can hold it. */
export interface Clock {
  now(): Date
  /** Milliseconds since some fixed moment; never goes back. */
  monotonicMs(): number
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (durationMs, signal) => delay(durationMs, undefined, signal ? { signal } : {}),
}
