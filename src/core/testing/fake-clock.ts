import type { Clock } from '../clock.ts'

/** A clock that a test sets. Sleeping moves it on at once. */
export class FakeClock implements Clock {
  #nowMs: number

  constructor(start: string = '2026-01-01T00:00:00Z') {
    this.#nowMs = Date.parse(start)
  }

  now(): Date {
    return new Date(this.#nowMs)
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#nowMs += durationMs
  }

  advance(durationMs: number): void {
    this.#nowMs += durationMs
  }
}
