import { expect, it } from 'vitest'
import { FakeClock } from '../core/testing/fake-clock.ts'
import { PaceWatch } from './pace-watch.ts'

const limits = { stallMs: 1000, minBytesPerSecond: 100 }

/** Each sleep takes so much longer than it is to; the last one for ever. Answers how long it took until patience was lost. */
async function patienceMs(oversleepsMs: readonly number[]): Promise<number | undefined> {
  const clock = new FakeClock()
  const left = [...oversleepsMs]
  clock.sleep = async (durationMs) => {
    const more = left.shift()
    if (more === undefined) return new Promise(() => undefined)
    clock.advance(durationMs + more)
  }
  const transfer = new AbortController()
  let lostMs: number | undefined
  transfer.signal.addEventListener('abort', () => {
    lostMs = clock.monotonicMs() - beganMs
  })
  new PaceWatch(clock, limits).begin(transfer, 'an upstream').waiting()
  const beganMs = clock.monotonicMs()
  for (let turns = 0; turns < 10 * oversleepsMs.length; turns++) await Promise.resolve()
  return lostMs
}

it('an upstream that delivers nothing is given up when its time is over', async () => {
  expect(await patienceMs(Array.from({ length: 20 }, () => 0))).toBe(1000)
})

it('time in which this process stood still is not held against an upstream', async () => {
  expect(await patienceMs([0, 60_000, 0, 0])).toBeUndefined()
  expect(await patienceMs([0, 60_000, ...Array.from({ length: 20 }, () => 0)])).toBe(61_000)
})
