import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPublisher, writeTree } from './index.ts'
import { PublishedSite } from './testing/published-site.ts'

let site: PublishedSite
beforeEach(async () => {
  site = await PublishedSite.open()
})
afterEach(() => site[Symbol.asyncDispose]())

describe('lookup', () => {
  it('finds stable paths of older generations, and only those', async () => {
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      await site.snapshotOf(name)
      await site.publish(index + 1)
      site.room.clock.advance(60_000)
    }
    expect(await site.contentAt('dists/Packages')).toBe('lists c')
    for (const name of ['a', 'b', 'c']) expect(await site.contentAt(`pool/${name}.deb`)).toBe(name)
    expect(await site.contentAt('pool/d.deb')).toBeUndefined()
    expect(await site.contentAt('')).toBeUndefined()
    expect(await site.publisher.lookup('none', 'pool/a.deb')).toBeUndefined()
  })

  it('does not find what is not stable any more in older generations', async () => {
    const entries = [await site.entryOf('pool/a.deb', 'a'), await site.entryOf('gone', 'x')]
    const tree = await writeTree(site.room.store, site.lease, entries)
    await site.publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: null })
    await site.publish(1)
    expect(await site.contentAt('gone')).toBe('x')
    await site.snapshotOf('b')
    await site.publish(2)
    expect(await site.contentAt('gone')).toBeUndefined()
  })

  it('tells since when clients see these bytes', async () => {
    const at = async (path: string) =>
      (await site.publisher.lookup('base', path))?.modifiedAt.toISOString().slice(11, 16)
    await site.snapshotOf('a')
    await site.snapshotOf('b')
    for (const number of [1, 1, 2, 1]) {
      await site.publish(number)
      site.room.clock.advance(60_000)
    }
    expect(await at('dists/InRelease')).toBe('00:03')
    expect(await at('dists/Packages')).toBe('00:03')
    expect(await at('pool/a.deb')).toBe('00:03')
    expect(await at('pool/b.deb')).toBe('00:02')
    await site.publish(1)
    expect(await at('dists/Packages')).toBe('00:03')
  })

  it('answers the same from memory and after a start', async () => {
    await site.snapshotOf('a')
    await site.publish(1)
    await site.publisher.lookup('base', 'dists/InRelease')
    await site.snapshotOf('b')
    await site.publish(2)
    const fresh = createPublisher(site.room)
    for (const path of ['dists/InRelease', 'dists/Packages', 'pool/a.deb', 'pool/b.deb', 'pool/c.deb']) {
      expect(await site.publisher.lookup('base', path)).toEqual(await fresh.lookup('base', path))
    }
  })

  it('never sees half of two publications', async () => {
    await site.snapshotOf('a')
    await site.snapshotOf('b')
    await site.publish(1)
    let switching = true
    const reader = async () => {
      let reads = 0
      for (; switching; reads++) {
        const text = (await site.contentAt('dists/InRelease'))!
        const [, , , ...listed] = text.split('\n')
        for (const line of listed) {
          const [path = '', digest] = line.split(' ')
          const found = await site.publisher.lookup('base', path)
          const isCurrent = (await site.contentAt('dists/InRelease')) === text
          if (isCurrent || path.startsWith('pool/')) expect(found?.entry.digest).toBe(digest)
        }
      }
      return reads
    }
    const reading = [reader(), reader()]
    for (let round = 0; round < 40; round++) await site.publish(1 + (round % 2))
    switching = false
    for (const reads of await Promise.all(reading)) expect(reads).toBeGreaterThan(0)
  })
})
