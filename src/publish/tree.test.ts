import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../core/index.ts'
import type { LeaseId } from '../store/index.ts'
import { MemoryBlobStore } from '../store/testing/index.ts'
import { diffTrees, readTree, withEntries, writeTree, type Tree, type TreeEntry } from './index.ts'

const lease = 'test' as LeaseId

function entry(path: string, content = path): TreeEntry {
  return { path, sizeBytes: content.length, digest: digestOf(content), stable: path.startsWith('pool/') }
}

const part = fc.stringMatching(/^[a-zé😀.+~-]{1,6}$/u).filter((text) => !/^\.{1,2}$/.test(text))
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const content = fc.constantFrom('one', 'two', 'three')
const entries = fc.uniqueArray(fc.tuple(path, content), { selector: ([name]) => name, maxLength: 60 })

/** Many entries quickly: names that spread over several chunks. */
function manyEntries(count: number): TreeEntry[] {
  return Array.from({ length: count }, (_, index) => entry(`pool/${(index * 7919) % count}/package_${index}.deb`))
}

function bytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

describe('a tree', () => {
  it('answers as a map does', async () => {
    await fc.assert(
      fc.asyncProperty(entries, path, async (pairs, other) => {
        const store = new MemoryBlobStore()
        const model = new Map(pairs.map(([name, text]) => [name, entry(name, text)]))
        const written = await writeTree(store, lease, model.values())
        const read = await readTree(store, written.digest)
        for (const tree of [written, read]) {
          expect([...tree.entries()]).toEqual([...model.values()].sort((a, b) => bytewise(a.path, b.path)))
          expect(tree.count).toBe(model.size)
          expect(tree.sizeBytes).toBe([...model.values()].reduce((sum, one) => sum + one.sizeBytes, 0))
          for (const name of [...model.keys(), other]) expect(tree.get(name)).toEqual(model.get(name))
        }
      }),
    )
  })

  it('has the same digest whatever the order and the history', async () => {
    const store = new MemoryBlobStore()
    const all = manyEntries(3000)
    const indices = fc.array(fc.nat(2999), { maxLength: 40 })
    const full = await writeTree(store, lease, all)
    await fc.assert(
      fc.asyncProperty(indices, indices, fc.array(path, { maxLength: 5 }), async (removed, changed, added) => {
        const remove = removed.map((index) => all[index]!.path)
        const set = [...changed.map((index) => entry(all[index]!.path, 'changed')), ...added.map((name) => entry(name))]
        const model = new Map(all.map((one) => [one.path, one]))
        for (const name of remove) model.delete(name)
        for (const one of set) model.set(one.path, one)
        const scratch = await writeTree(store, lease, [...model.values()].reverse())
        const evolved = await withEntries(store, lease, full, { set, remove })
        expect(evolved.digest).toBe(scratch.digest)
        const back = await withEntries(store, lease, evolved, {
          set: all.filter((one) => remove.includes(one.path) || set.some(({ path: name }) => name === one.path)),
          remove: added.filter((name) => full.get(name) === undefined),
        })
        expect(back.digest).toBe(full.digest)
      }),
      { numRuns: 40 },
    )
  })

  it('grows from nothing one entry at a time to the same digest', async () => {
    const store = new MemoryBlobStore()
    const all = manyEntries(700)
    let tree: Tree = await writeTree(store, lease, [])
    expect(tree.count).toBe(0)
    expect((await readTree(store, tree.digest)).get('x')).toBeUndefined()
    for (const one of all) tree = await withEntries(store, lease, tree, { set: [one] })
    expect(tree.digest).toBe((await writeTree(store, lease, all)).digest)
  })

  it('rewrites one or two chunks when one entry is added to many', async () => {
    const store = new MemoryBlobStore()
    const tree = await writeTree(store, lease, manyEntries(20_000))
    const before = new Set(tree.blobs())
    const changed = await withEntries(store, lease, tree, { set: [entry('pool/77/new.deb')] })
    const fresh = [...changed.blobs()].filter((digest) => !before.has(digest))
    // The manifest, the content itself, and chunks.
    expect(fresh.length).toBeGreaterThanOrEqual(3)
    expect(fresh.length).toBeLessThanOrEqual(5)
  })

  it('keeps parts', async () => {
    const store = new MemoryBlobStore()
    const parts = [
      { digest: digestOf('a'), sizeBytes: 1 },
      { digest: digestOf('bc'), sizeBytes: 2 },
    ]
    const whole: TreeEntry = { path: 'dists/Packages', sizeBytes: 3, digest: digestOf('abc'), parts, stable: false }
    const tree = await readTree(store, (await writeTree(store, lease, [whole])).digest)
    expect(tree.get('dists/Packages')).toEqual(whole)
    expect([...tree.blobs()].slice(2)).toEqual(parts.map((one) => one.digest))
  })

  it.each([
    '',
    '/etc/passwd',
    '../up',
    'a/../b',
    'a/..',
    './a',
    'a//b',
    'a/',
    'a\nb',
    'a\tb',
    'a\0b',
    'a\\b',
    'lone \ud800 surrogate',
    'é'.repeat(2049),
    'a'.repeat(4097),
  ])('refuses the path %j', async (bad) => {
    const store = new MemoryBlobStore()
    await expect(writeTree(store, lease, [entry(bad)])).rejects.toMatchObject({ code: 'TREE_PATH_REFUSED' })
    const empty = await writeTree(store, lease, [])
    await expect(withEntries(store, lease, empty, { set: [entry(bad)] })).rejects.toMatchObject({
      code: 'TREE_PATH_REFUSED',
    })
  })

  it.each(['a', '.hidden', '...', 'a/..b', 'pool/main/libc++_1%3a2~rc1.deb', 'a'.repeat(4096)])(
    'accepts the path %j',
    async (good) => {
      const tree = await writeTree(new MemoryBlobStore(), lease, [entry(good)])
      expect(tree.get(good)?.path).toBe(good)
    },
  )

  it('takes the same entry twice, and refuses a path with two contents', async () => {
    const store = new MemoryBlobStore()
    expect((await writeTree(store, lease, [entry('a'), entry('a')])).count).toBe(1)
    await expect(writeTree(store, lease, [entry('a', 'one'), entry('a', 'two')])).rejects.toMatchObject({
      code: 'TREE_PATH_REFUSED',
    })
  })

  it('does not believe a damaged blob', async () => {
    const store = new MemoryBlobStore()
    const tree = await writeTree(store, lease, manyEntries(10))
    const damaged = Buffer.from((await store.readWhole(tree.digest)).toString().replace('larder', 'lardex'))
    store.damage(tree.digest, damaged)
    await expect(readTree(store, tree.digest)).rejects.toMatchObject({ code: 'BLOB_DAMAGED' })
  })
})

describe('diffTrees', () => {
  it('names what differs and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, async (left, right) => {
        const store = new MemoryBlobStore()
        const a = new Map(left.map(([name, text]) => [name, entry(name, text)]))
        const b = new Map(right.map(([name, text]) => [name, entry(name, text)]))
        const [before, after] = await Promise.all([
          writeTree(store, lease, a.values()),
          writeTree(store, lease, b.values()),
        ])
        const names = [...new Set([...a.keys(), ...b.keys()])].sort(bytewise)
        const expected = names
          .filter((name) => a.get(name)?.digest !== b.get(name)?.digest)
          .map((name) => ({ path: name, before: a.get(name), after: b.get(name) }))
        expect([...diffTrees(before, after)]).toEqual(expected)
      }),
    )
  })
})
