import { expect, test } from 'vitest'
import { SettlePace } from './settle-pace.ts'

test('what comes now and then does not wait; a flood is settled in few rounds', () => {
  const pace = new SettlePace()
  const startedMs: number[] = []
  for (let nowMs = 0; nowMs < 10_000; nowMs++) {
    if (pace.waitMs(nowMs) > 0) continue
    pace.started(nowMs)
    startedMs.push(nowMs)
  }
  // Five at once to begin with.
  expect(startedMs.slice(0, 7)).toEqual([0, 1, 2, 3, 4, 254, 504])
  expect(startedMs.length).toBeLessThan(60)
  for (const nowMs of [20_000, 20_300, 20_900]) {
    expect(pace.waitMs(nowMs)).toBe(0)
    pace.started(nowMs)
  }
})
