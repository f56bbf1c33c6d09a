import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LarderError, silentLog, systemClock } from '../../core/index.ts'
import type { DriftOutcome } from './drift-round.ts'
import { DriftWatch } from './drift-watch.ts'

const minuteMs = 60_000
let looks: { atMs: number; renewed: readonly string[] }[]
let answer: () => Promise<DriftOutcome>
let wake: () => void
let watch: DriftWatch

beforeEach(() => {
  vi.useFakeTimers()
  looks = []
  answer = async () => 'clean'
})
afterEach(async () => {
  await watch.stop()
  vi.useRealTimers()
})

/** A middling jitter: exactly on time. */
function start(everyMs: number): void {
  const begunAtMs = Date.now()
  const clock = { ...systemClock, monotonicMs: () => Date.now() }
  const round = async (renewed: readonly string[]): Promise<DriftOutcome> => {
    looks.push({ atMs: Date.now() - begunAtMs, renewed })
    return answer()
  }
  const events = [
    (call: () => void) => {
      wake = call
      return async () => {
        wake = () => undefined
      }
    },
  ]
  watch = new DriftWatch({ clock, log: silentLog, round, everyMs, jitter: () => 0.5, events })
  watch.start()
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const times = (): number[] => looks.map(({ atMs }) => atMs / 1000)

it('looks soon after the start, and then when it is time', async () => {
  start(10 * minuteMs)
  await pass(25 * minuteMs)
  expect(times()).toEqual([30, 630, 1230])
})

it('looks when something has happened, once for what happens together', async () => {
  start(10 * minuteMs)
  await pass(minuteMs)
  wake()
  await pass(500)
  wake()
  await pass(minuteMs)
  expect(times()).toEqual([30, 61])
})

it('what happens during a look is looked at after it', async () => {
  start(10 * minuteMs)
  const { promise, resolve } = Promise.withResolvers<DriftOutcome>()
  answer = () => promise
  await pass(30_000)
  wake()
  await pass(20_000)
  expect(times()).toEqual([30])
  resolve('clean')
  await pass(1000)
  expect(times()).toEqual([30, 51])
})

it.each<[string, () => Promise<DriftOutcome>]>([
  ['a run is under way', async () => 'busy'],
  ['a machine is away', async () => 'unreachable'],
  ['it cannot look', () => Promise.reject(new LarderError('FLEET_PLACE_UNUSABLE', { message: 'no engine' }))],
])('looks sooner, and then less often, while %s', async (_what, said) => {
  answer = said
  start(10 * minuteMs)
  await pass(30 * minuteMs)
  expect(times()).toEqual([30, 60, 120, 240, 480, 960, 1560])
})

it('a mirror that was published is told until a look was made', async () => {
  answer = async () => 'busy'
  start(0)
  await pass(60 * minuteMs)
  expect(looks).toEqual([])
  watch.published('base')
  await pass(2000)
  watch.published('tools')
  await pass(2000)
  answer = async () => 'clean'
  await pass(60 * minuteMs)
  expect(looks.map(({ renewed }) => renewed)).toEqual([
    ['mirror base'],
    ['mirror base', 'mirror tools'],
    ['mirror base', 'mirror tools'],
  ])
})

it('a look that was stopped is waited for, and none comes after it', async () => {
  start(minuteMs)
  await pass(30_000)
  await watch.stop()
  wake()
  watch.published('base')
  await pass(60 * minuteMs)
  expect(looks).toHaveLength(1)
})
