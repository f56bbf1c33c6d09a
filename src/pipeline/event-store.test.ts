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
