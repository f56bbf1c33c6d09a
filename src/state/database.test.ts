import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collect } from '../core/testing/collect.ts'
import { FakeClock } from '../core/testing/fake-clock.ts'
import { createCache, getSetting, openDatabase, removeSetting, setSetting, type State } from './index.ts'
import { digestOf } from '../core/index.ts'

const clock = new FakeClock()
let folder: string
let state: State

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-state-'))
  state = await openDatabase({ path: join(folder, 'larder.db'), clock })
})
afterEach(async () => {
  await state.close()
  await rm(folder, { recursive: true, force: true })
})

const values = (holder: string) => ({ id: holder, holder, expires_at: '' })
const holders = async () =>
  (await state.db.selectFrom('leases').select('holder').orderBy('holder').execute()).map((row) => row.holder)

describe('synchronous', () => {
  const synchronous = async (db: Pick<State['db'], 'getExecutor'>) =>
    (await sql<{ synchronous: number }>`PRAGMA synchronous`.execute(db)).rows[0]?.synchronous
  const [normal, full] = [1, 2]

  it.each(['transaction', 'relaxedTransaction'] as const)(
    'in %s SQLite does not wait; for a statement of its own it does',
    async (kind) => {
      expect(await synchronous(state.db)).toBe(full)
      const inside = await state[kind](async (transaction) => {
        await transaction.insertInto('leases').values(values('a')).execute()
        return synchronous(transaction)
      })
      expect(inside).toBe(normal)
      expect(await synchronous(state.db)).toBe(full)
      expect(await holders()).toEqual(['a'])
    },
  )

  it.each(['transaction', 'relaxedTransaction'] as const)('after a failure of %s too', async (kind) => {
    const failing = state[kind](async (transaction) => {
      await transaction.insertInto('leases').values(values('a')).execute()
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await holders()).toEqual([])
    expect(await synchronous(state.db)).toBe(full)
  })
})

describe('openDatabase', () => {
  it('keeps what was written, and runs migrations once', async () => {
    await setSetting(state, 'a', '1')
    await state.close()
    state = await openDatabase({ path: join(folder, 'larder.db'), clock })
    expect(await getSetting(state, 'a')).toBe('1')
  })

  it('can be closed before its first query, and twice', async () => {
    const other = await openDatabase({ path: join(folder, 'other.db'), clock })
    await other.close()
    await other.close()
  })

  it('refuses the database of a newer version', async () => {
    const migrations = join(folder, 'migrations')
    await mkdir(migrations)
    await writeFile(join(migrations, '0001-one.sql'), 'CREATE TABLE one (a INTEGER);')
    await writeFile(join(migrations, '0002-two.sql'), 'CREATE TABLE two (a INTEGER);')
    const options = { path: join(folder, 'new.db'), clock, migrationsFolder: migrations }
    await (await openDatabase(options)).close()
    await rm(join(migrations, '0002-two.sql'))
    await expect(openDatabase(options)).rejects.toMatchObject({ code: 'DATA_NEWER' })
  })

  it('leaves nothing of a migration that fails, and goes on from there', async () => {
    const migrations = join(folder, 'migrations')
    await mkdir(migrations)
    await writeFile(join(migrations, '0001-one.sql'), 'CREATE TABLE one (a INTEGER);')
    await writeFile(join(migrations, '0002-two.sql'), 'CREATE TABLE two (a INTEGER); CREATE NONSENSE;')
    const options = { path: join(folder, 'broken.db'), clock, migrationsFolder: migrations }
    await expect(openDatabase(options)).rejects.toThrow('syntax error')
    await writeFile(join(migrations, '0002-two.sql'), 'CREATE TABLE two (a INTEGER);')
    await (await openDatabase(options)).close()
  })
})

describe('transaction', () => {
  it('does all or nothing', async () => {
    await expect(
      state.transaction(async (transaction) => {
        await transaction.insertInto('leases').values(values('lost')).execute()
        throw new Error('stop')
      }),
    ).rejects.toThrow('stop')
    await state.transaction((transaction) => transaction.insertInto('leases').values(values('kept')).execute())
    expect(await holders()).toEqual(['kept'])
  })

  it('never runs within another, nor lets a query in', async () => {
    const order: string[] = []
    const one = async (name: string) =>
      state.transaction(async (transaction) => {
        order.push(`${name} begins`)
        await transaction.insertInto('leases').values(values(name)).execute()
        await new Promise((resolve) => setTimeout(resolve, 5))
        order.push(`${name} ends`)
      })
    const seen = (async () => {
      await new Promise((resolve) => setTimeout(resolve, 2))
      return holders()
    })()
    await Promise.all([one('a'), one('b')])
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
    expect((await seen).length).toBeGreaterThan(0)
  })

  it('fails instead of waiting for itself', async () => {
    await expect(state.transaction(() => getSetting(state, 'a'))).rejects.toThrow('must use the transaction')
    await expect(state.transaction(() => state.transaction(async () => {}))).rejects.toThrow('must use the transaction')
    await setSetting(state, 'a', 'still works')
    expect(await getSetting(state, 'a')).toBe('still works')
  })

  it('enforces foreign keys', async () => {
    await expect(
      state.db.insertInto('lease_blobs').values({ lease_id: 'none', digest: 'x' }).execute(),
    ).rejects.toThrow('FOREIGN KEY')
  })
})

it('sets, replaces and removes settings', async () => {
  expect(await getSetting(state, 'a')).toBeUndefined()
  await setSetting(state, 'a', '1')
  await setSetting(state, 'a', '2')
  expect(await getSetting(state, 'a')).toBe('2')
  await removeSetting(state, 'a')
  expect(await getSetting(state, 'a')).toBeUndefined()
})

it('caches values with their blobs, and forgets those that nobody uses', async () => {
  const cache = createCache(state, clock)
  const blob = digestOf('blob')
  await cache.put('indices', 'old', { value: { a: [1] }, blobs: [blob] })
  await cache.put('indices', 'used', { value: null })
  await cache.put('other', 'old', { value: 'x' })
  expect(await cache.get('indices', 'old')).toEqual({ value: { a: [1] }, blobs: [blob] })
  expect(await cache.get('indices', 'none')).toBeUndefined()
  expect(await collect(cache.roots())).toEqual([blob])
  clock.advance(7_200_000)
  await cache.get('indices', 'used')
  expect(await cache.prune('indices', 3_600_000)).toBe(1)
  expect(await cache.get('indices', 'old')).toBeUndefined()
  expect(await cache.get('indices', 'used')).toEqual({ value: null, blobs: [] })
  expect(await cache.get('other', 'old')).toBeDefined()
  await cache.remove('other', 'old')
  expect(await cache.get('other', 'old')).toBeUndefined()
  expect(await collect(cache.roots())).toEqual([])
})

it('caches thousands of keys at once, and tells those that begin alike', async () => {
  const cache = createCache(state, clock)
  const keys = Array.from({ length: 2500 }, (_, index) => `a:${index}`)
  await cache.putKeys('seen', keys)
  await cache.putKeys('seen', ['a:1', 'b:1'])
  await cache.putKeys('other', ['a:x'])
  await cache.putKeys('seen', [])
  expect((await cache.keys('seen', 'a:')).sort()).toEqual(keys.sort())
  expect(await cache.keys('seen', 'b:')).toEqual(['b:1'])
  expect(await cache.get('seen', 'b:1')).toEqual({ value: null, blobs: [] })
})
