import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf, isLarderError, type Digest } from '../core/index.ts'
import { collect } from '../core/testing/collect.ts'
import { collectGarbage } from '../store/index.ts'
import { createPublisher, readTree, verifyTree, writeTree } from './index.ts'
import { PublishedSite, sealer } from './testing/published-site.ts'

const dayMs = 86_400_000
let site: PublishedSite
beforeEach(async () => {
  site = await PublishedSite.open()
})
afterEach(() => site[Symbol.asyncDispose]())

describe('retention', () => {
  it('keeps what is asked, what is young and what is current', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await site.snapshotOf(name)
    for (const number of [1, 2, 3, 4, 5, 2]) {
      await site.publish(number)
      site.room.clock.advance(3_600_000)
    }
    const generations = async () => (await site.publisher.publications('base')).map((one) => one.generation)
    const numbers = async () => (await site.publisher.snapshots('base')).map((one) => one.number)
    expect(await site.publisher.prune({ keepGenerations: 2, keepSnapshots: 1, keepForMs: dayMs })).toEqual({
      publications: 0,
      snapshots: 0,
    })
    // Generation 4 was replaced two hours ago; 3 three hours ago.
    expect(
      await site.publisher.prune({ mirror: 'base', keepGenerations: 1, keepSnapshots: 2, keepForMs: 2.5 * 3_600_000 }),
    ).toEqual({ publications: 3, snapshots: 2 })
    expect(await generations()).toEqual([6, 5, 4])
    expect(await numbers()).toEqual([5, 4, 2])
    expect(await site.contentAt('pool/e.deb')).toBe('e')
    await site.publisher.prune({ keepGenerations: 0, keepSnapshots: 0, keepForMs: 0 })
    expect(await generations()).toEqual([6])
    expect(await numbers()).toEqual([5, 2])
    expect(await site.contentAt('pool/e.deb')).toBeUndefined()
    expect((await site.snapshotOf('f')).number).toBe(6)
  })

  it('leaves to gc exactly what nothing needs', async () => {
    const meta = await site.room.store.write(site.lease, Buffer.from('list of packages'))
    const tree = await writeTree(site.room.store, site.lease, [await site.entryOf('pool/a.deb', 'a')])
    await site.publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: { packages: [meta] } })
    await site.snapshotOf('b')
    await site.publish(1)
    await site.publish(2)
    await site.room.leases.release(site.lease)
    const collectAll = () => collectGarbage({ ...site.room, roots: () => site.publisher.roots() })
    expect((await collectAll()).removed).toBe(0)
    expect(await site.room.store.has(meta)).toBe(true)
    site.room.clock.advance(60_000)
    await site.publisher.prune({ keepGenerations: 1, keepSnapshots: 1, keepForMs: 0 })
    await collectAll()
    expect(await site.room.store.has(meta)).toBe(false)
    expect(await site.room.store.has(digestOf('a'))).toBe(false)
    expect(await verifyTree(site.room.store, await site.publisher.currentTree('base'))).toEqual([])
    const needed = new Set(await collect(site.publisher.roots()))
    expect(new Set((await collect(site.room.store.list())).map((blob) => blob.digest))).toEqual(needed)
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
        await using site = await PublishedSite.open()
        const { room } = site
        let shown: Digest | undefined
        for (const step of actions) {
          room.clock.advance(1000)
          if (step.kind === 'snapshot') await site.snapshotOf(step.name)
          const [newest] = await site.publisher.snapshots('base')
          if (step.kind === 'publish' && newest !== undefined) shown = (await site.publish(newest.number)).tree
          if (step.kind === 'rollback') {
            try {
              shown = (await site.publisher.rollback({ mirror: 'base', sealer })).tree
            } catch (error) {
              if (!isLarderError(error, 'PUBLICATION_NONE', 'SNAPSHOT_UNKNOWN')) throw error
            }
          }
          if (step.kind === 'prune') await site.publisher.prune({ keepGenerations: 2, keepSnapshots: 2, keepForMs: 0 })
          if (step.kind === 'restart') site.publisher = createPublisher(room)
          if (step.kind === 'gc') {
            await room.leases.release(site.lease)
            await collectGarbage({ ...room, roots: () => site.publisher.roots() })
            site.lease = await room.leases.acquire('property')
          }
          expect((await site.publisher.current('base'))?.tree).toBe(shown)
          if (shown !== undefined)
            expect(await verifyTree(room.store, await site.publisher.currentTree('base'))).toEqual([])
          for (const { tree } of await site.publisher.snapshots('base')) {
            expect(await verifyTree(room.store, await readTree(room.store, tree))).toEqual([])
          }
        }
      }),
      { numRuns: 60 },
    )
  },
)
