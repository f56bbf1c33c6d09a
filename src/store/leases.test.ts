import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../core/index.ts'
import { collect } from '../core/testing/collect.ts'
import { openTestStore, type TestStore } from './testing/index.ts'

const dayMs = 86_400_000
let test: TestStore
beforeEach(async () => {
  test = await openTestStore()
})
afterEach(() => test[Symbol.asyncDispose]())

describe('leases', () => {
  it('are the same for the same holder, and renewed', async () => {
    const { leases, state, clock } = test
    const first = await leases.acquire('run/1')
    clock.advance(dayMs / 2)
    expect(await leases.acquire('run/1')).toBe(first)
    expect(await leases.acquire('run/2', 1000)).not.toBe(first)
    const rows = await state.db.selectFrom('leases').selectAll().orderBy('holder').execute()
    expect(rows.map((row) => row.expires_at)).toEqual(['2026-01-02T12:00:00.000Z', '2026-01-01T12:00:01.000Z'])
  })

  it('pin what is there, and say what is not', async () => {
    const { leases, store } = test
    const lease = await leases.acquire('run/1')
    const digest = await store.write(lease, Buffer.from('a'))
    const other = await leases.acquire('run/2')
    await leases.pin(other, [digest, digest])
    expect(await collect(leases.roots())).toEqual([digest])
    expect(await leases.held([digest, digestOf('b')])).toEqual(new Set([digest]))
    await expect(leases.pin(other, [digest, digestOf('b')])).rejects.toMatchObject({
      code: 'BLOB_MISSING',
      context: { missing: [digestOf('b')] },
    })
    await leases.pin(other, [])
  })

  it('are gone when released, twice too', async () => {
    const { leases, store } = test
    const lease = await leases.acquire('run/1')
    await store.write(lease, Buffer.from('a'))
    await leases.release(lease)
    await leases.release(lease)
    expect(await collect(leases.roots())).toEqual([])
    expect(await leases.live()).toEqual(new Set())
    await expect(leases.pin(lease, [digestOf('a')])).rejects.toMatchObject({ code: 'LEASE_LOST' })
  })

  it('that are released during a collection keep their blobs to its end; those acquired again keep them on', async () => {
    const { leases, store } = test
    const [released, renewed] = [await leases.acquire('run/1'), await leases.acquire('run/2')]
    const a = await store.write(released, Buffer.from('a'))
    const b = await store.write(renewed, Buffer.from('b'))
    await leases.duringCollection(async () => {
      await leases.release(released)
      await leases.release(renewed)
      await leases.acquire('run/2')
      expect(await leases.held([a, b])).toEqual(new Set([a, b]))
    })
    expect(await leases.held([a, b])).toEqual(new Set([b]))
  })

  it('of holders that are gone are released together', async () => {
    const { leases } = test
    const kept = await leases.acquire('run/1')
    await leases.acquire('push/2')
    await leases.acquire('export/3')
    await leases.releaseAllBut(['run/1', 'run/9'])
    expect(await leases.live()).toEqual(new Set([kept]))
  })

  it('pins a great many', async () => {
    const { leases, store } = test
    const lease = await leases.acquire('run/1')
    const digests = await store.writeMany(
      lease,
      Array.from({ length: 1200 }, (_, index) => Buffer.from(`${index}`)),
    )
    const other = await leases.acquire('run/2')
    await leases.pin(other, digests)
    await leases.release(lease)
    expect((await collect(leases.roots())).sort()).toEqual(digests.toSorted())
  })
})
