import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../core/index.ts'
import { collectGarbage } from '../store/index.ts'
import { readTree, verifyTree, withEntries, writeTree, type Sealer, type TreeEntry } from './index.ts'
import { PublishedSite, sealer } from './testing/published-site.ts'

const dayMs = 86_400_000
let site: PublishedSite
beforeEach(async () => {
  site = await PublishedSite.open()
})
afterEach(() => site[Symbol.asyncDispose]())

describe('snapshots', () => {
  it('are numbered in each mirror, and the same for the same tree', async () => {
    const one = await site.snapshotOf('a')
    const two = await site.snapshotOf('b')
    expect([one.number, two.number]).toEqual([1, 2])
    expect(await site.snapshotOf('a')).toEqual(one)
    expect((await site.snapshotOf('a', 'other')).number).toBe(1)
    expect(await site.publisher.snapshots('base')).toEqual([two, one])
    expect(await site.publisher.snapshot('base', 2)).toEqual(two)
    await expect(site.publisher.snapshot('base', 3)).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' })
  })

  it('are refused when a blob is not there', async () => {
    const missing: TreeEntry = { path: 'pool/x.deb', sizeBytes: 1, digest: digestOf('never stored'), stable: true }
    const tree = await writeTree(site.room.store, site.lease, [missing])
    const add = () => site.publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: null })
    await expect(add()).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    await site.snapshotOf('a')
    await expect(add()).rejects.toMatchObject({ code: 'BLOB_MISSING' })
  })

  it('that are added at once get a number each', async () => {
    const added = await Promise.all(['a', 'b', 'c', 'd', 'a'].map((name) => site.snapshotOf(name)))
    expect(new Set(added.map((one) => one.number))).toEqual(new Set([1, 2, 3, 4]))
    expect(added[4]!.number).toBe(added[0]!.number)
  })
})

describe('a publication', () => {
  it('shows the snapshot and what seals it', async () => {
    expect(await site.publisher.current('base')).toBeUndefined()
    expect(await site.publisher.lookup('base', 'dists/InRelease')).toBeUndefined()
    await expect(site.publisher.currentTree('base')).rejects.toMatchObject({ code: 'PUBLICATION_NONE' })
    const snapshot = await site.snapshotOf('a')
    const publication = await site.publish(1, dayMs)
    expect(publication).toMatchObject({ generation: 1, snapshotNumber: 1, sealedAt: new Date('2026-01-01T00:00:00Z') })
    expect(await site.publisher.current('base')).toEqual(publication)
    expect(await site.contentAt('dists/InRelease')).toMatch(/^1\n2026-01-01T00:00:00.000Z\n2026-01-02T00:00:00.000Z\n/)
    expect((await site.publisher.currentTree('base')).count).toBe(
      (await readTree(site.room.store, snapshot.tree)).count + 1,
    )
    expect(await verifyTree(site.room.store, await site.publisher.currentTree('base'))).toEqual([])
  })

  it('is switched to once, however often the switch is done', async () => {
    const snapshot = await site.snapshotOf('a')
    await site.publish(1)
    const prepared = await site.publisher.prepare({ snapshot, sealer, lease: site.lease })
    expect(JSON.parse(JSON.stringify(prepared))).toEqual(prepared)
    expect((await site.publisher.current('base'))?.generation).toBe(1)
    const publication = await site.publisher.switchTo(prepared)
    expect(await site.publisher.switchTo(prepared)).toEqual(publication)
    await site.publish(1)
    expect(await site.publisher.switchTo(prepared)).toEqual(publication)
    expect((await site.publisher.publications('base')).map((one) => one.generation)).toEqual([3, 2, 1])
  })

  it('is refused when another came in between, or its snapshot has gone', async () => {
    await site.snapshotOf('a')
    const snapshot = await site.snapshotOf('b')
    const prepared = await site.publisher.prepare({ snapshot, sealer, lease: site.lease })
    await site.publish(1)
    await expect(site.publisher.switchTo(prepared)).rejects.toMatchObject({ code: 'PUBLICATION_OUTDATED' })
    const again = await site.publisher.prepare({ snapshot, sealer, lease: site.lease })
    await site.room.state.db.deleteFrom('snapshots').execute()
    await expect(site.publisher.switchTo(again)).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' })
  })

  it('is refused when its blobs have gone, and clients see nothing of it', async () => {
    const snapshot = await site.snapshotOf('a')
    await site.publish(1)
    site.room.clock.advance(10_000)
    const brief = await site.room.leases.acquire('brief')
    const prepared = await site.publisher.prepare({ snapshot, sealer, lease: brief })
    await site.room.leases.release(brief)
    await collectGarbage({ ...site.room, roots: () => site.publisher.roots() })
    await expect(site.publisher.switchTo(prepared)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    expect((await site.publisher.current('base'))?.generation).toBe(1)
    expect(await verifyTree(site.room.store, await site.publisher.currentTree('base'))).toEqual([])
  })

  it('is always sealed later, in whole seconds, than the one before, and never far ahead of the clock', async () => {
    await site.snapshotOf('a')
    for (let index = 0; index < 30; index++) {
      await site.publish(1)
      site.room.clock.advance(index * 7)
    }
    const times = (await site.publisher.publications('base')).map((one) => one.sealedAt.getTime()).reverse()
    for (const [index, time] of times.entries()) {
      expect(time % 1000).toBe(0)
      if (index > 0) expect(time).toBeGreaterThan(times[index - 1]!)
    }
    expect(times.at(-1)! - site.room.clock.now().getTime()).toBeLessThanOrEqual(5000)
  })

  it('is refused when the clock was set back', async () => {
    await site.snapshotOf('a')
    await site.publish(1)
    site.room.clock.advance(-dayMs)
    await expect(site.publish(1)).rejects.toMatchObject({ code: 'CLOCK_BEHIND' })
  })

  it('is not left half-made by a sealer that fails', async () => {
    await site.snapshotOf('a')
    const failing: Sealer = { seal: () => Promise.reject(new Error('the key is locked')) }
    await expect(site.publisher.promote({ mirror: 'base', number: 1, sealer: failing })).rejects.toThrow('locked')
    expect(await site.publisher.current('base')).toBeUndefined()
  })

  it('is made by many at once, one after the other', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await site.snapshotOf(name)
    const made = await Promise.all([1, 2, 3, 4].map((number) => site.publish(number)))
    expect(made.map((one) => one.generation).sort()).toEqual([1, 2, 3, 4])
  })
})

describe('rollback', () => {
  it('publishes the snapshot before as a new generation, with a later date', async () => {
    await site.snapshotOf('a')
    await site.snapshotOf('b')
    await site.publish(1)
    await expect(site.publisher.rollback({ mirror: 'base', sealer })).rejects.toMatchObject({
      code: 'PUBLICATION_NONE',
    })
    await site.publish(2)
    await site.publish(2)
    const back = await site.publisher.rollback({ mirror: 'base', sealer })
    expect(back).toMatchObject({ generation: 4, snapshotNumber: 1 })
    expect(await site.contentAt('dists/Packages')).toBe('lists a')
    expect((await site.publisher.rollback({ mirror: 'base', sealer })).snapshotNumber).toBe(2)
    await expect(site.publisher.rollback({ mirror: 'none', sealer })).rejects.toMatchObject({
      code: 'PUBLICATION_NONE',
    })
  })
})

describe('re-sealing', () => {
  it('is due when half of the validity is over', async () => {
    await site.snapshotOf('a')
    await site.publish(1, 2 * dayMs)
    const due = async () => (await site.publisher.needsResealing(site.room.clock.now())).map((one) => one.mirror)
    site.room.clock.advance(dayMs - 1)
    expect(await due()).toEqual([])
    site.room.clock.advance(1)
    expect(await due()).toEqual(['base'])
    await site.publish(1, 2 * dayMs)
    expect(await due()).toEqual([])
    await site.publish(1)
    site.room.clock.advance(1000 * dayMs)
    expect(await due()).toEqual([])
  })
})

it('changes a published tree without a trace of its history', async () => {
  const base = await writeTree(site.room.store, site.lease, [
    await site.entryOf('pool/a.deb', 'a'),
    await site.entryOf('pool/b.deb', 'b'),
  ])
  const changed = await withEntries(site.room.store, site.lease, base, {
    set: [await site.entryOf('pool/c.deb', 'c')],
    remove: ['pool/c.deb'],
  })
  expect(changed.get('pool/c.deb')).toBeDefined()
  expect(
    (await withEntries(site.room.store, site.lease, changed, { remove: ['pool/c.deb', 'pool/none'] })).digest,
  ).toBe(base.digest)
})
