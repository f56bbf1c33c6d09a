import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../core/index.ts'
import { openDatabase, type State } from '../state/index.ts'
import { createEventStore, type EventStore } from './event-store.ts'

let state: State
let events: EventStore

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  events = createEventStore(state, systemClock)
})
afterEach(() => state.close())

const delivery = { forge: 'github', repository: 'lab/site', deliveryId: 'd-1', event: 'push', body: '{}' }

test('a delivery is kept once, however often and however closely together it comes', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => events.accept(delivery)))
  expect(answers.filter(({ status }) => status === 'accepted')).toHaveLength(1)
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
  expect(await events.waiting()).toHaveLength(1)
})

test.each([{ forge: 'gitea' }, { repository: 'lab/other' }, { deliveryId: 'd-2' }])(
  '%o is another delivery',
  async (other) => {
    await events.accept(delivery)
    expect(await events.accept({ ...delivery, ...other })).toMatchObject({ status: 'accepted' })
    expect(await events.waiting()).toHaveLength(2)
  },
)

test('what is settled waits no longer, and is still a duplicate', async () => {
  const { id } = await events.accept(delivery)
  await events.settle([{ id, state: 'ignored', reason: 'a test' }])
  expect(await events.waiting()).toEqual([])
  expect(await events.accept(delivery)).toEqual({ status: 'duplicate', id })
})

test('deliveries that come together are kept in their order, by a few waits for the disk', async () => {
  const many = Array.from({ length: 500 }, (_, index) => ({ ...delivery, deliveryId: `d-${index}` }))
  let transactions = 0
  const counting: State = {
    ...state,
    transaction: (work) => {
      transactions++
      return state.transaction(work)
    },
  }
  const store = createEventStore(counting, systemClock)
  const answers = await Promise.all(many.map((one) => store.accept(one)))
  expect(answers.map(({ id }) => id)).toEqual(many.map((_, index) => index + 1))
  expect(transactions).toBe(10)
})

test('when they cannot be kept, none of them is acknowledged, and the next ones are', async () => {
  let isFull = true
  const full: State = {
    ...state,
    transaction: (work) => (isFull ? Promise.reject(new Error('disk full')) : state.transaction(work)),
  }
  const store = createEventStore(full, systemClock)
  const failed = await Promise.allSettled([store.accept(delivery), store.accept({ ...delivery, deliveryId: 'd-2' })])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isFull = false
  expect(await store.accept(delivery)).toEqual({ status: 'accepted', id: 1 })
})

test('bodies of what was settled are forgotten after a while, that it came much later', async () => {
  let nowMs = Date.now()
  const store = createEventStore(state, { ...systemClock, now: () => new Date(nowMs) })
  const { id } = await store.accept(delivery)
  await store.accept({ ...delivery, deliveryId: 'd-2' })
  await store.settle([{ id, state: 'ignored', reason: 'a test' }])
  const bodies = async () =>
    (await state.db.selectFrom('event_bodies').select('body').orderBy('event_id').execute()).map(({ body }) => body)
  await store.tidy()
  expect(await bodies()).toEqual(['{}', '{}'])
  nowMs += 8 * 24 * 3600_000
  await store.tidy()
  expect(await bodies()).toEqual(['{}'])
  expect([await store.body(id), await store.body(id + 1)]).toEqual(['', '{}'])
  expect(await store.accept(delivery)).toMatchObject({ status: 'duplicate' })
  expect(await store.list({ limit: 10 })).toMatchObject([
    { state: 'waiting' },
    { id, state: 'ignored', reason: 'a test' },
  ])
  nowMs += 90 * 24 * 3600_000
  await store.tidy()
  expect(await store.list({ limit: 10 })).toMatchObject([{ state: 'waiting' }])
  expect(await store.body(id + 1)).toBe('{}')
})
