import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf, isLarderError, type Digest } from '../core/index.ts'
import { collect } from '../core/testing/collect.ts'
import { collectGarbage, type LeaseId } from '../store/index.ts'
import { openMemoryStore, type MemoryStore } from '../store/testing/index.ts'
import {
  createPublisher,
  readTree,
  verifyTree,
  withEntries,
  writeTree,
  type Publisher,
  type Sealer,
  type Snapshot,
  type TreeEntry,
} from './index.ts'

const dayMs = 86_400_000
let test: MemoryStore
let publisher: Publisher
let lease: LeaseId
beforeEach(async () => {
  test = await openMemoryStore()
  publisher = createPublisher(test)
  lease = await test.leases.acquire('test')
})
afterEach(() => test[Symbol.asyncDispose]())

/** Signs nothing, and says in `InRelease` what a client may check. */
const sealer: Sealer = {
  async seal({ snapshot, tree, sealedAt, validUntil }) {
    const listed = [...tree.entries()].map((entry) => `${entry.path} ${entry.digest}`)
    const lines = [snapshot.number, sealedAt.toISOString(), validUntil?.toISOString() ?? 'for ever', ...listed]
    return { entries: [{ path: 'dists/InRelease', bytes: Buffer.from(lines.join('\n')), stable: false }] }
  },
}

async function entryOf(path: string, content: string): Promise<TreeEntry> {
  const digest = await test.store.write(lease, Buffer.from(content))
  return { path, sizeBytes: content.length, digest, stable: path.startsWith('pool/') }
}

/** A snapshot with a package of its own, and an index that changes. */
async function snapshotOf(name: string, mirror = 'base'): Promise<Snapshot> {
  const entries = [await entryOf(`pool/${name}.deb`, name), await entryOf('dists/Packages', `lists ${name}`)]
  const tree = await writeTree(test.store, lease, entries)
  return publisher.addSnapshot({ mirror, tree: tree.digest, origin: `run ${name}`, meta: { name } })
}
const publish = (number: number, validForMs?: number) =>
  publisher.promote({ mirror: 'base', number, sealer, validForMs })
const contentAt = async (path: string) => {
  const found = await publisher.lookup('base', path)
  return found === undefined ? undefined : (await test.store.readWhole(found.entry.digest)).toString()
}

describe('snapshots', () => {
  it('are numbered in each mirror, and the same for the same tree', async () => {
    const one = await snapshotOf('a')
    const two = await snapshotOf('b')
    expect([one.number, two.number]).toEqual([1, 2])
    expect(await snapshotOf('a')).toEqual(one)
    expect((await snapshotOf('a', 'other')).number).toBe(1)
    expect(await publisher.snapshots('base')).toEqual([two, one])
    expect(await publisher.snapshot('base', 2)).toEqual(two)
    await expect(publisher.snapshot('base', 3)).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' })
  })

  it('are refused when a blob is not there', async () => {
    const missing: TreeEntry = { path: 'pool/x.deb', sizeBytes: 1, digest: digestOf('never stored'), stable: true }
    const tree = await writeTree(test.store, lease, [missing])
    const add = () => publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: null })
    await expect(add()).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    await snapshotOf('a')
    await expect(add()).rejects.toMatchObject({ code: 'BLOB_MISSING' })
  })

  it('that are added at once get a number each', async () => {
    const added = await Promise.all(['a', 'b', 'c', 'd', 'a'].map((name) => snapshotOf(name)))
    expect(new Set(added.map((one) => one.number))).toEqual(new Set([1, 2, 3, 4]))
    expect(added[4]!.number).toBe(added[0]!.number)
  })
})

describe('a publication', () => {
  it('shows the snapshot and what seals it', async () => {
    expect(await publisher.current('base')).toBeUndefined()
    expect(await publisher.lookup('base', 'dists/InRelease')).toBeUndefined()
    await expect(publisher.currentTree('base')).rejects.toMatchObject({ code: 'PUBLICATION_NONE' })
    const snapshot = await snapshotOf('a')
    const publication = await publish(1, dayMs)
    expect(publication).toMatchObject({ generation: 1, snapshotNumber: 1, sealedAt: new Date('2026-01-01T00:00:00Z') })
    expect(await publisher.current('base')).toEqual(publication)
    expect(await contentAt('dists/InRelease')).toMatch(/^1\n2026-01-01T00:00:00.000Z\n2026-01-02T00:00:00.000Z\n/)
    expect((await publisher.currentTree('base')).count).toBe((await readTree(test.store, snapshot.tree)).count + 1)
    expect(await verifyTree(test.store, await publisher.currentTree('base'))).toEqual([])
  })

  it('is switched to once, however often the switch is done', async () => {
    const snapshot = await snapshotOf('a')
    await publish(1)
    const prepared = await publisher.prepare({ snapshot, sealer, lease })
    expect(JSON.parse(JSON.stringify(prepared))).toEqual(prepared)
    expect((await publisher.current('base'))?.generation).toBe(1)
    const publication = await publisher.switchTo(prepared)
    expect(await publisher.switchTo(prepared)).toEqual(publication)
    await publish(1)
    expect(await publisher.switchTo(prepared)).toEqual(publication)
    expect((await publisher.publications('base')).map((one) => one.generation)).toEqual([3, 2, 1])
  })

  it('is refused when another came in between, or its snapshot has gone', async () => {
    await snapshotOf('a')
    const snapshot = await snapshotOf('b')
    const prepared = await publisher.prepare({ snapshot, sealer, lease })
    await publish(1)
    await expect(publisher.switchTo(prepared)).rejects.toMatchObject({ code: 'PUBLICATION_OUTDATED' })
    const again = await publisher.prepare({ snapshot, sealer, lease })
    await test.state.db.deleteFrom('snapshots').execute()
    await expect(publisher.switchTo(again)).rejects.toMatchObject({ code: 'SNAPSHOT_UNKNOWN' })
  })

  it('is refused when its blobs have gone, and clients see nothing of it', async () => {
    const snapshot = await snapshotOf('a')
    await publish(1)
    test.clock.advance(10_000)
    const brief = await test.leases.acquire('brief')
    const prepared = await publisher.prepare({ snapshot, sealer, lease: brief })
    await test.leases.release(brief)
    await collectGarbage({ ...test, roots: () => publisher.roots() })
    await expect(publisher.switchTo(prepared)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    expect((await publisher.current('base'))?.generation).toBe(1)
    expect(await verifyTree(test.store, await publisher.currentTree('base'))).toEqual([])
  })

  it('is always sealed later, in whole seconds, than the one before, and never far ahead of the clock', async () => {
    await snapshotOf('a')
    for (let index = 0; index < 30; index++) {
      await publish(1)
      test.clock.advance(index * 7)
    }
    const times = (await publisher.publications('base')).map((one) => one.sealedAt.getTime()).reverse()
    for (const [index, time] of times.entries()) {
      expect(time % 1000).toBe(0)
      if (index > 0) expect(time).toBeGreaterThan(times[index - 1]!)
    }
    expect(times.at(-1)! - test.clock.now().getTime()).toBeLessThanOrEqual(5000)
  })

  it('is refused when the clock was set back', async () => {
    await snapshotOf('a')
    await publish(1)
    test.clock.advance(-dayMs)
    await expect(publish(1)).rejects.toMatchObject({ code: 'CLOCK_BEHIND' })
  })

  it('is not left half-made by a sealer that fails', async () => {
    await snapshotOf('a')
    const failing: Sealer = { seal: () => Promise.reject(new Error('the key is locked')) }
    await expect(publisher.promote({ mirror: 'base', number: 1, sealer: failing })).rejects.toThrow('locked')
    expect(await publisher.current('base')).toBeUndefined()
  })

  it('is made by many at once, one after the other', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await snapshotOf(name)
    const made = await Promise.all([1, 2, 3, 4].map((number) => publish(number)))
    expect(made.map((one) => one.generation).sort()).toEqual([1, 2, 3, 4])
  })
})

describe('lookup', () => {
  it('finds stable paths of older generations, and only those', async () => {
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      await snapshotOf(name)
      await publish(index + 1)
      test.clock.advance(60_000)
    }
    expect(await contentAt('dists/Packages')).toBe('lists c')
    for (const name of ['a', 'b', 'c']) expect(await contentAt(`pool/${name}.deb`)).toBe(name)
    expect(await contentAt('pool/d.deb')).toBeUndefined()
    expect(await contentAt('')).toBeUndefined()
    expect(await publisher.lookup('none', 'pool/a.deb')).toBeUndefined()
  })

  it('does not find what is not stable any more in older generations', async () => {
    const entries = [await entryOf('pool/a.deb', 'a'), await entryOf('gone', 'x')]
    const tree = await writeTree(test.store, lease, entries)
    await publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: null })
    await publish(1)
    expect(await contentAt('gone')).toBe('x')
    await snapshotOf('b')
    await publish(2)
    expect(await contentAt('gone')).toBeUndefined()
  })

  it('tells since when clients see these bytes', async () => {
    const at = async (path: string) => (await publisher.lookup('base', path))?.modifiedAt.toISOString().slice(11, 16)
    await snapshotOf('a')
    await snapshotOf('b')
    for (const number of [1, 1, 2, 1]) {
      await publish(number)
      test.clock.advance(60_000)
    }
    expect(await at('dists/InRelease')).toBe('00:03')
    expect(await at('dists/Packages')).toBe('00:03')
    expect(await at('pool/a.deb')).toBe('00:03')
    expect(await at('pool/b.deb')).toBe('00:02')
    await publish(1)
    expect(await at('dists/Packages')).toBe('00:03')
  })

  it('answers the same from memory and after a start', async () => {
    await snapshotOf('a')
    await publish(1)
    await publisher.lookup('base', 'dists/InRelease')
    await snapshotOf('b')
    await publish(2)
    const fresh = createPublisher(test)
    for (const path of ['dists/InRelease', 'dists/Packages', 'pool/a.deb', 'pool/b.deb', 'pool/c.deb']) {
      expect(await publisher.lookup('base', path)).toEqual(await fresh.lookup('base', path))
    }
  })

  it('never sees half of two publications', async () => {
    await snapshotOf('a')
    await snapshotOf('b')
    await publish(1)
    let switching = true
    const reader = async () => {
      let reads = 0
      for (; switching; reads++) {
        const text = (await contentAt('dists/InRelease'))!
        const [, , , ...listed] = text.split('\n')
        for (const line of listed) {
          const [path = '', digest] = line.split(' ')
          const found = await publisher.lookup('base', path)
          const isCurrent = (await contentAt('dists/InRelease')) === text
          if (isCurrent || path.startsWith('pool/')) expect(found?.entry.digest).toBe(digest)
        }
      }
      return reads
    }
    const reading = [reader(), reader()]
    for (let round = 0; round < 40; round++) await publish(1 + (round % 2))
    switching = false
    for (const reads of await Promise.all(reading)) expect(reads).toBeGreaterThan(0)
  })
})

describe('rollback', () => {
  it('publishes the snapshot before as a new generation, with a later date', async () => {
    await snapshotOf('a')
    await snapshotOf('b')
    await publish(1)
    await expect(publisher.rollback({ mirror: 'base', sealer })).rejects.toMatchObject({ code: 'PUBLICATION_NONE' })
    await publish(2)
    await publish(2)
    const back = await publisher.rollback({ mirror: 'base', sealer })
    expect(back).toMatchObject({ generation: 4, snapshotNumber: 1 })
    expect(await contentAt('dists/Packages')).toBe('lists a')
    expect((await publisher.rollback({ mirror: 'base', sealer })).snapshotNumber).toBe(2)
    await expect(publisher.rollback({ mirror: 'none', sealer })).rejects.toMatchObject({ code: 'PUBLICATION_NONE' })
  })
})

describe('re-sealing', () => {
  it('is due when half of the validity is over', async () => {
    await snapshotOf('a')
    await publish(1, 2 * dayMs)
    const due = async () => (await publisher.needsResealing(test.clock.now())).map((one) => one.mirror)
    test.clock.advance(dayMs - 1)
    expect(await due()).toEqual([])
    test.clock.advance(1)
    expect(await due()).toEqual(['base'])
    await publish(1, 2 * dayMs)
    expect(await due()).toEqual([])
    await publish(1)
    test.clock.advance(1000 * dayMs)
    expect(await due()).toEqual([])
  })
})

describe('retention', () => {
  it('keeps what is asked, what is young and what is current', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await snapshotOf(name)
    for (const number of [1, 2, 3, 4, 5, 2]) {
      await publish(number)
      test.clock.advance(3_600_000)
    }
    const generations = async () => (await publisher.publications('base')).map((one) => one.generation)
    const numbers = async () => (await publisher.snapshots('base')).map((one) => one.number)
    expect(await publisher.prune({ keepGenerations: 2, keepSnapshots: 1, keepForMs: dayMs })).toEqual({
      publications: 0,
      snapshots: 0,
    })
    // Generation 4 was replaced two hours ago; 3 three hours ago.
    expect(
      await publisher.prune({ mirror: 'base', keepGenerations: 1, keepSnapshots: 2, keepForMs: 2.5 * 3_600_000 }),
    ).toEqual({ publications: 3, snapshots: 2 })
    expect(await generations()).toEqual([6, 5, 4])
    expect(await numbers()).toEqual([5, 4, 2])
    expect(await contentAt('pool/e.deb')).toBe('e')
    await publisher.prune({ keepGenerations: 0, keepSnapshots: 0, keepForMs: 0 })
    expect(await generations()).toEqual([6])
    expect(await numbers()).toEqual([5, 2])
    expect(await contentAt('pool/e.deb')).toBeUndefined()
    expect((await snapshotOf('f')).number).toBe(6)
  })

  it('leaves to gc exactly what nothing needs', async () => {
    const meta = await test.store.write(lease, Buffer.from('list of packages'))
    const tree = await writeTree(test.store, lease, [await entryOf('pool/a.deb', 'a')])
    await publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: { packages: [meta] } })
    await snapshotOf('b')
    await publish(1)
    await publish(2)
    await test.leases.release(lease)
    const collectAll = () => collectGarbage({ ...test, roots: () => publisher.roots() })
    expect((await collectAll()).removed).toBe(0)
    expect(await test.store.has(meta)).toBe(true)
    test.clock.advance(60_000)
    await publisher.prune({ keepGenerations: 1, keepSnapshots: 1, keepForMs: 0 })
    await collectAll()
    expect(await test.store.has(meta)).toBe(false)
    expect(await test.store.has(digestOf('a'))).toBe(false)
    expect(await verifyTree(test.store, await publisher.currentTree('base'))).toEqual([])
    const needed = new Set(await collect(publisher.roots()))
    expect(new Set((await collect(test.store.list())).map((blob) => blob.digest))).toEqual(needed)
  })
})

it(
  'holds, whatever is published, rolled back, pruned and collected in whatever order',
  { timeout: 120_000 },
  async () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('snapshot' as const), name: fc.constantFrom('a', 'b', 'c', 'd') }),
      fc.record({
        kind: fc.constantFrom(
          'publish' as const,
          'rollback' as const,
          'prune' as const,
          'gc' as const,
          'restart' as const,
        ),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 25 }), async (actions) => {
        await using room = await openMemoryStore()
        ;[test, publisher, lease] = [room, createPublisher(room), await room.leases.acquire('property')]
        let shown: Digest | undefined
        for (const step of actions) {
          room.clock.advance(1000)
          if (step.kind === 'snapshot') await snapshotOf(step.name)
          const [newest] = await publisher.snapshots('base')
          if (step.kind === 'publish' && newest !== undefined) shown = (await publish(newest.number)).tree
          if (step.kind === 'rollback') {
            try {
              shown = (await publisher.rollback({ mirror: 'base', sealer })).tree
            } catch (error) {
              if (!isLarderError(error, 'PUBLICATION_NONE', 'SNAPSHOT_UNKNOWN')) throw error
            }
          }
          if (step.kind === 'prune') await publisher.prune({ keepGenerations: 2, keepSnapshots: 2, keepForMs: 0 })
          if (step.kind === 'restart') publisher = createPublisher(room)
          if (step.kind === 'gc') {
            await room.leases.release(lease)
            await collectGarbage({ ...room, roots: () => publisher.roots() })
            lease = await room.leases.acquire('property')
          }
          expect((await publisher.current('base'))?.tree).toBe(shown)
          if (shown !== undefined) expect(await verifyTree(room.store, await publisher.currentTree('base'))).toEqual([])
          for (const { tree } of await publisher.snapshots('base')) {
            expect(await verifyTree(room.store, await readTree(room.store, tree))).toEqual([])
          }
        }
      }),
      { numRuns: 60 },
    )
    // afterEach disposes once more, of a folder that is gone: give it one that is there.
    test = await openMemoryStore()
  },
)

it('changes a published tree without a trace of its history', async () => {
  const base = await writeTree(test.store, lease, [await entryOf('pool/a.deb', 'a'), await entryOf('pool/b.deb', 'b')])
  const changed = await withEntries(test.store, lease, base, {
    set: [await entryOf('pool/c.deb', 'c')],
    remove: ['pool/c.deb'],
  })
  expect(changed.get('pool/c.deb')).toBeDefined()
  expect((await withEntries(test.store, lease, changed, { remove: ['pool/c.deb', 'pool/none'] })).digest).toBe(
    base.digest,
  )
})
