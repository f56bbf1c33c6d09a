import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LarderError, systemClock } from '../core/index.ts'
import { openDatabase, type State } from '../state/index.ts'
import { openEventStore, type EventStore, type EventStoreOptions } from './event-store.ts'

let folder: string
let state: State
let events: EventStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-events-test-'))
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  events = await open()
})
afterEach(async () => {
  await events.close()
  await state.close()
  await rm(folder, { recursive: true, force: true })
})

const paths = () => [join(folder, 'one.journal'), join(folder, 'two.journal')] as const
const open = (other: Partial<EventStoreOptions> = {}, journal: Partial<EventStoreOptions['journal']> = {}) =>
  openEventStore({ state, clock: systemClock, ...other, journal: { paths: paths(), fileBytes: 1 << 16, ...journal } })
/** What a killed process leaves: nothing is closed, and another begins. */
const killed = async (other: Partial<EventStoreOptions> = {}): Promise<void> => {
  events = await open(other)
}
/** A database and small files of its own. */
const openFresh = async () => {
  const own = await mkdtemp(join(folder, 'fresh-'))
  const database = await openDatabase({ path: ':memory:', clock: systemClock })
  const journal = { paths: [join(own, '1'), join(own, '2')] as const, fileBytes: 1 << 14 }
  return {
    open: () => openEventStore({ state: database, clock: systemClock, journal }),
    [Symbol.asyncDispose]: () => database.close(),
  }
}
const delivery = { forge: 'github', repository: 'lab/site', deliveryId: 'd-1', event: 'push', body: '{}' }
const numbered = (count: number, body = '{}') =>
  Array.from({ length: count }, (_, index) => ({ ...delivery, deliveryId: `d-${index}`, body }))
const rowCount = async (): Promise<number> => (await state.db.selectFrom('events').select('id').execute()).length

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

test('while many are settled, what else is asked for has its turn in between', async () => {
  const all = await Promise.all(numbered(80).map((one) => events.accept(one)))
  const settled = events.settle(all.map(({ id }) => ({ id, state: 'ignored', reason: 'a test' })))
  const left: number[] = []
  for (let turns = 0; turns < 1000 && left.at(-1) !== 0; turns++) {
    left.push((await events.waiting()).length)
    await nextTurn()
  }
  await settled
  expect(left.filter((count) => count > 0 && count < all.length)).not.toEqual([])
  expect(await events.waiting()).toEqual([])
})

test('what is settled waits no longer, and is still a duplicate', async () => {
  const { id } = await events.accept(delivery)
  await events.settle([{ id, state: 'ignored', reason: 'a test' }])
  expect(await events.waiting()).toEqual([])
  expect(await events.accept(delivery)).toEqual({ status: 'duplicate', id })
  expect(await events.list({ limit: 5 })).toMatchObject([{ id, state: 'ignored', reason: 'a test' }])
})

test('deliveries that come together are kept in their order, by a few waits for the disk', async () => {
  let writes = 0
  const store = await open({}, { write: () => Promise.resolve((writes++, undefined)) })
  const answers = await Promise.all(numbered(500).map((one) => store.accept(one)))
  expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
  expect(writes).toBe(10)
})

test('is answered when it is on the disk, and not before', async () => {
  const { promise: disk, resolve } = Promise.withResolvers<undefined>()
  const store = await open({}, { write: () => disk })
  let isAnswered = false
  const answer = store.accept(delivery).finally(() => (isAnswered = true))
  const again = store.accept(delivery)
  for (let turn = 0; turn < 50; turn++) await new Promise((next) => setImmediate(next))
  expect([isAnswered, await store.waiting()]).toEqual([false, []])
  resolve(undefined)
  expect([await answer, await again]).toEqual([
    { status: 'accepted', id: 1 },
    { status: 'duplicate', id: 1 },
  ])
})

test('when they cannot be kept, none of them is acknowledged, and the next ones are', async () => {
  const failures = [new Error('disk full')]
  const store = await open(
    {},
    {
      write: () => {
        const failure = failures.pop()
        return failure === undefined ? Promise.resolve() : Promise.reject(failure)
      },
    },
  )
  const failed = await Promise.allSettled([store.accept(delivery), store.accept({ ...delivery, deliveryId: 'd-2' })])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await store.waiting()).toEqual([])
  expect(await store.accept(delivery)).toMatchObject({ status: 'accepted' })
  expect(await store.waiting()).toHaveLength(1)
})

test('what was acknowledged is there after a kill, once, with its body, and is still a duplicate', async () => {
  const { id } = await events.accept({ ...delivery, body: '{"é":1}' })
  const settled = await events.accept({ ...delivery, deliveryId: 'd-2' })
  await events.settle([{ id: settled.id, state: 'done', runId: 4 }])
  for (let life = 0; life < 3; life++) {
    await killed()
    expect(await events.waiting()).toMatchObject([{ id, deliveryId: 'd-1', event: 'push', repository: 'lab/site' }])
    expect(await events.body(id)).toBe('{"é":1}')
    expect(await events.accept(delivery)).toEqual({ status: 'duplicate', id })
    expect(await events.accept({ ...delivery, deliveryId: 'd-2' })).toMatchObject({ status: 'duplicate' })
  }
  expect(await events.accept({ ...delivery, deliveryId: 'd-3' })).toMatchObject({ status: 'accepted', id: 3 })
  expect(await events.list({ limit: 2, before: 3 })).toMatchObject([{ state: 'done', runId: 4 }, { state: 'waiting' }])
})

test('a power cut that takes what the database did not have on the disk takes no delivery', async () => {
  const all = await Promise.all(numbered(10).map((one) => events.accept(one)))
  await events.settle(all.slice(0, 5).map(({ id }) => ({ id, state: 'ignored', reason: 'it comes back' })))
  await state.close()
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  await killed()
  expect((await events.waiting()).map(({ id }) => id)).toEqual(all.map(({ id }) => id))
})

test('a batch that was cut off takes nothing with it that came before', async () => {
  await events.accept(delivery)
  await events.accept({ ...delivery, deliveryId: 'd-2' })
  const [path] = paths()
  const bytes = await readFile(path)
  // Of the second, the last bytes have not reached the disk.
  bytes.fill(0, bytes.lastIndexOf('}') - 10, bytes.lastIndexOf('}') + 1)
  await writeFile(path, bytes)
  await killed()
  expect(await events.waiting()).toHaveLength(1)
})

test('what is delivered while nothing is settled goes on into the database, file by file', async () => {
  const all = numbered(100, JSON.stringify('x'.repeat(5000)))
  for (const one of all) await events.accept(one)
  // Of 100, at 8 KiB each, 8 fit into a file.
  expect(await rowCount()).toBeGreaterThanOrEqual(100 - 2 * 8)
  expect((await events.waiting()).map(({ deliveryId }) => deliveryId)).toEqual(all.map((one) => one.deliveryId))
  expect((await events.list({ limit: 100 })).map(({ id }) => id)).toEqual(all.map((_, index) => 100 - index))
  for (const path of paths()) expect((await stat(path)).size).toBe(1 << 16)
  await killed()
  expect(await events.waiting()).toHaveLength(100)
  expect(await events.body(100)).toBe(all.at(-1)?.body)
})

test('a delivery that is longer than a file is kept, too', async () => {
  const body = JSON.stringify('x'.repeat(1 << 18))
  await events.accept(delivery)
  const { id } = await events.accept({ ...delivery, deliveryId: 'long', body })
  await events.accept({ ...delivery, deliveryId: 'after' })
  expect(await events.body(id)).toBe(body)
  await killed()
  expect((await events.waiting()).map(({ deliveryId }) => deliveryId)).toEqual(['d-1', 'long', 'after'])
  expect(await events.body(id)).toBe(body)
})

test('while the database is full, what the journal has room for is kept, the rest refused; and then all goes on', async () => {
  let isFull = true
  const full = new LarderError('DISK_FULL', { message: 'full' })
  const transaction: State['transaction'] = (work) => (isFull ? Promise.reject(full) : state.transaction(work))
  events = await open({ state: { ...state, transaction } })
  const accepted: string[] = []
  for (const one of numbered(40, JSON.stringify('x'.repeat(5000)))) {
    const refused = await events.accept(one).then(
      () => void accepted.push(one.deliveryId),
      (error: unknown) => error,
    )
    if (refused !== undefined) expect(refused).toBe(full)
  }
  expect(accepted).toHaveLength(8)
  isFull = false
  await events.accept(delivery)
  await killed()
  expect((await events.waiting()).map(({ deliveryId }) => deliveryId)).toEqual([...new Set([...accepted, 'd-1'])])
})

test('is in the database when it was closed, and the next start reads nothing', async () => {
  await events.accept(delivery)
  await events.close()
  expect(await rowCount()).toBe(1)
  await state.db.deleteFrom('events').execute()
  await killed()
  expect(await events.waiting()).toEqual([])
})

test('without deliveries there is no journal', async () => {
  await events.close()
  expect(await readdir(folder)).toEqual([])
})

test('whatever is accepted, settled and killed in whatever order: all is there, once', async () => {
  const body = JSON.stringify('x'.repeat(3000))
  const step = fc.oneof(
    fc.record({ accept: fc.array(fc.nat(30), { minLength: 1, maxLength: 12 }) }),
    fc.record({ settle: fc.nat(10) }),
    fc.constant('kill'),
    fc.constant('stop'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      await using fresh = await openFresh()
      events = await fresh.open()
      const [numbers, settled] = [new Map<string, number>(), new Set<number>()]
      for (const one of steps) {
        if (one === 'stop') await events.close()
        if (typeof one === 'string') events = await fresh.open()
        else if ('accept' in one) {
          const all = one.accept.map((number) => ({ ...delivery, deliveryId: `${number}`, body }))
          for (const [at, answer] of (await Promise.all(all.map((some) => events.accept(some)))).entries()) {
            const known = numbers.get(all[at]!.deliveryId)
            expect(answer).toEqual(
              known === undefined ? { status: 'accepted', id: answer.id } : { status: 'duplicate', id: known },
            )
            numbers.set(all[at]!.deliveryId, answer.id)
          }
        } else {
          const some = (await events.waiting({ limit: one.settle })).map(({ id }) => id)
          await events.settle(some.map((id) => ({ id, state: 'ignored', reason: 'a test' })))
          for (const id of some) settled.add(id)
        }
        const listed = await events.list({ limit: 100 })
        expect(listed.map(({ id }) => id)).toEqual([...numbers.values()].sort((a, b) => b - a))
        expect(listed.filter((some) => some.state !== 'waiting').map(({ id }) => id)).toEqual(
          [...settled].sort((a, b) => b - a),
        )
        expect(listed.every((some) => numbers.get(some.deliveryId) === some.id)).toBe(true)
      }
      await events.close()
    }),
    { numRuns: 40 },
  )
  events = await open()
})

test('what was settled is forgotten after 90 days, that it came and what it was', async () => {
  let nowMs = Date.now()
  const clock = { ...systemClock, now: () => new Date(nowMs) }
  await killed({ clock })
  const { id } = await events.accept(delivery)
  await events.accept({ ...delivery, deliveryId: 'd-2' })
  // Both are in the database, with their bodies.
  await killed({ clock })
  await events.settle([{ id, state: 'ignored', reason: 'a test' }])
  expect([await events.body(id), await events.body(id + 1)]).toEqual(['', '{}'])
  nowMs += 89 * 24 * 3600_000
  await events.tidy()
  expect(await events.list({ limit: 10 })).toMatchObject([{ state: 'waiting' }, { id, state: 'ignored' }])
  nowMs += 2 * 24 * 3600_000
  await events.tidy()
  expect(await events.list({ limit: 10 })).toMatchObject([{ state: 'waiting' }])
  expect(await events.body(id + 1)).toBe('{}')
})
