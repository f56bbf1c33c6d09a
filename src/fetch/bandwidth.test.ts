import { expect, it } from 'vitest'
import { Bandwidth } from './bandwidth.ts'

it('lets no more through than the rate, after one second in advance', async () => {
  let nowMs = 0
  const clock = {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep: (durationMs: number) => {
      nowMs += durationMs
      return Promise.resolve()
    },
  }
  const bandwidth = new Bandwidth(clock, 1000)
  const { signal } = new AbortController()
  for (let step = 0; step < 50; step++) await bandwidth.take(100, signal)
  expect(nowMs).toBeGreaterThanOrEqual(4000)
  expect(nowMs).toBeLessThanOrEqual(5000)
  expect(new Bandwidth(clock, Infinity).take(1e12, signal)).toBeUndefined()
})
