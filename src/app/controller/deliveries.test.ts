import { afterEach, beforeEach, expect, test } from 'vitest'
import { LarderError, silentLog, systemClock } from '../../core/index.ts'
import { createEventStore, createRunStore, type EventStore, type RunStore } from '../../pipeline/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { ControllerContext } from './context.ts'
import { createDeliveryMethods, type DeliveryMethods } from './deliveries.ts'

let state: State
let runs: RunStore
let events: EventStore
let nowMs: number
let deliveries: DeliveryMethods
/** What the forge answers, by branch. */
let forge: Record<string, () => Promise<string>>
let count = 0

beforeEach(async () => {
  nowMs = Date.parse('2026-01-01T00:00:00Z')
  const clock = { ...systemClock, now: () => new Date(nowMs), sleep: systemClock.sleep, monotonicMs: () => 0 }
  state = await openDatabase({ path: ':memory:', clock })
  runs = createRunStore(state, clock)
  events = createEventStore(state, clock)
  forge = {}
  const context = { log: silentLog, clock, runs, runner: { wake: () => {} } } as unknown as ControllerContext
  deliveries = createDeliveryMethods(context, { events, fetchBranch: (branch) => forge[branch]!() })
})
afterEach(() => state.close())

const failing = (complaint: string) => () =>
  Promise.reject(new LarderError('GIT_FAILED', { message: 'git fetch failed', context: { stderr: complaint } }))

async function push(branch: string): Promise<number> {
  const body = JSON.stringify({ ref: `refs/heads/${branch}`, after: 'c'.repeat(40) })
  const delivery = { forge: 'github', repository: 'lab/site', deliveryId: `d-${count++}`, event: 'push', body }
  return (await events.accept(delivery)).id
}

const waiting = async () => (await events.waiting()).map((event) => event.id)

test('a delivery for a branch that is gone again keeps no other from being settled', async () => {
  forge = {
    gone: failing("fatal: couldn't find remote ref refs/heads/gone"),
    main: () => Promise.resolve('a'.repeat(40)),
  }
  await push('gone')
  await push('main')
  await deliveries.settleDeliveries()
  expect(await runs.waiting()).toMatchObject([{ branch: 'main', goal: 'apply' }])
  expect(await waiting()).toEqual([])
})

test('one that cannot be fetched is tried again, but not for ever', async () => {
  forge = {
    odd: failing('error: cannot lock ref'),
    main: () => Promise.resolve('a'.repeat(40)),
  }
  const odd = await push('odd')
  await push('main')
  await deliveries.settleDeliveries()
  expect(await waiting()).toEqual([odd])
  expect(await runs.waiting()).toHaveLength(1)
  nowMs += 25 * 3600_000
  await deliveries.settleDeliveries()
  expect(await waiting()).toEqual([])
})

test('a branch of a name that git does not allow is ignored', async () => {
  forge = { 'a..b': () => Promise.reject(new LarderError('GIT_REF_REFUSED', { message: 'no' })) }
  await push('a..b')
  await deliveries.settleDeliveries()
  expect(await waiting()).toEqual([])
})
