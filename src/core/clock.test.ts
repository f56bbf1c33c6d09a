import { expect, test } from 'vitest'
import { systemClock } from './clock.ts'

test('now is the time of the system, and a fresh object each time', () => {
  const before = Date.now()
  const first = systemClock.now()
  const second = systemClock.now()
  expect(first.getTime()).toBeGreaterThanOrEqual(before)
  expect(second.getTime()).toBeLessThanOrEqual(Date.now())
  expect(first).not.toBe(second)
})

test('monotonicMs never goes back, and sleep passes on it', async () => {
  const before = systemClock.monotonicMs()
  await systemClock.sleep(2)
  expect(systemClock.monotonicMs()).toBeGreaterThan(before)
})

test('sleep ends at once when its signal aborts, with an AbortError', async () => {
  const stop = new AbortController()
  const sleeping = systemClock.sleep(3_600_000, stop.signal)
  stop.abort()
  await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' })
  await expect(systemClock.sleep(3_600_000, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
})
