import { expect, test } from 'vitest'
import { SettlePace } from './settle-pace.ts'

test.each([
  ['ask the forge', true, 5],
  ['find what is here already', false, 20],
])(
  'rounds that %s: what comes now and then does not wait; a flood is settled in few rounds',
  (_name, fetches, free) => {
    const pace = new SettlePace()
    const startedMs: number[] = []
    for (let nowMs = 0; nowMs < 10_000; nowMs++) {
      if (pace.waitMs(nowMs) > 0) continue
      pace.started(nowMs)
      if (fetches) pace.fetches(nowMs)
      startedMs.push(nowMs)
    }
    const atOnce = Array.from({ length: free }, (_, index) => index)
    expect(startedMs.slice(0, free + 2)).toEqual([...atOnce, free + 249, free + 499])
    expect(startedMs.length).toBeLessThan(10 * free + 10)
    for (const nowMs of [20_000, 20_300, 20_900]) {
      expect(pace.waitMs(nowMs)).toBe(0)
      pace.started(nowMs)
    }
  },
)

test('a pull request that is opened, pushed to, labelled and closed within a second holds up no other', () => {
  const pace = new SettlePace()
  for (let nowMs = 0; nowMs < 500; nowMs += 50) {
    expect(pace.waitMs(nowMs)).toBe(0)
    pace.started(nowMs)
    if (nowMs % 200 === 0) pace.fetches(nowMs)
  }
})
