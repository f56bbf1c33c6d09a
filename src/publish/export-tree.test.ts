import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../core/index.ts'
import type { LeaseId } from '../store/index.ts'
import { MemoryBlobStore } from '../store/testing/index.ts'
import { exportTree, verifyTree, writeTree, type Tree, type TreeEntry } from './index.ts'

const lease = 'test' as LeaseId
let folder: string
let store: MemoryBlobStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-export-'))
  store = new MemoryBlobStore()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function treeOf(files: Record<string, string>): Promise<Tree> {
  const entries: TreeEntry[] = []
  for (const [path, text] of Object.entries(files)) {
    const digest = await store.write(lease, Buffer.from(text))
    entries.push({ path, sizeBytes: text.length, digest, stable: path.startsWith('pool/') })
  }
  return writeTree(store, lease, entries)
}

async function filesIn(where: string): Promise<Record<string, string>> {
  const found = await readdir(where, { recursive: true, withFileTypes: true })
  const files = found.filter((file) => file.isFile() && file.name !== '.larder-export')
  const pairs = files.map(async (file) => {
    const path = join(file.parentPath, file.name)
    return [path.slice(where.length + 1), await readFile(path, 'utf8')] as const
  })
  return Object.fromEntries(await Promise.all(pairs))
}

describe('exportTree', () => {
  it('makes the folder what the tree is, and does again only what is not right', async () => {
    const files = { 'pool/a.deb': 'a', 'pool/b.deb': 'bb', 'dists/InRelease': 'one', 'dists/Packages': 'p' }
    expect(await exportTree({ store, tree: await treeOf(files), folder })).toEqual({ written: 4, kept: 0, removed: 0 })
    expect(await filesIn(folder)).toEqual(files)
    await writeFile(join(folder, 'pool/b.deb'), 'xx')
    await mkdir(join(folder, 'left/over'), { recursive: true })
    await writeFile(join(folder, 'left/over/file.larder-new'), 'half')
    expect(await exportTree({ store, tree: await treeOf(files), folder })).toEqual({ written: 1, kept: 3, removed: 1 })
    expect(await filesIn(folder)).toEqual(files)
    expect(await readdir(folder)).toEqual(['.larder-export', 'dists', 'pool'])
  })

  it('keeps what older generations need, and removes the rest', async () => {
    const [one, two, three] = await Promise.all(
      ['1', '2', '3'].map((name) => treeOf({ [`pool/${name}.deb`]: name, 'dists/InRelease': name })),
    )
    await exportTree({ store, tree: one!, folder })
    await exportTree({ store, tree: two!, olderTrees: [one!], folder })
    expect(await filesIn(folder)).toEqual({ 'pool/1.deb': '1', 'pool/2.deb': '2', 'dists/InRelease': '2' })
    await exportTree({ store, tree: three!, olderTrees: [two!], folder })
    expect(await filesIn(folder)).toEqual({ 'pool/2.deb': '2', 'pool/3.deb': '3', 'dists/InRelease': '3' })
  })

  it('writes what changes last and in order', async () => {
    const files = { 'a-index': 'i', 'dists/InRelease': 'r', 'dists/Packages': 'p', 'pool/z.deb': 'z', 'z-index': 'i2' }
    const order = (path: string) => (path.endsWith('InRelease') ? 1 : 0)
    const read: string[] = []
    const names = new Map(Object.entries(files).map(([path, text]) => [digestOf(text), path]))
    const original = store.read.bind(store)
    store.read = async (digest, range) => {
      read.push(names.get(digest)!)
      return original(digest, range)
    }
    await exportTree({ store, tree: await treeOf(files), folder, order })
    expect(read).toEqual(['pool/z.deb', 'a-index', 'dists/Packages', 'z-index', 'dists/InRelease'])
  })

  it('puts parts together', async () => {
    const parts = [
      { digest: await store.write(lease, Buffer.from('ab')), sizeBytes: 2 },
      { digest: await store.write(lease, Buffer.from('c')), sizeBytes: 1 },
    ]
    const tree = await writeTree(store, lease, [
      { path: 'x', sizeBytes: 3, digest: digestOf('abc'), parts, stable: false },
    ])
    await exportTree({ store, tree, folder })
    expect(await filesIn(folder)).toEqual({ x: 'abc' })
    expect(await verifyTree(store, tree)).toEqual([])
  })

  it('refuses a folder that is not its own', async () => {
    await writeFile(join(folder, 'thesis.txt'), 'years of work')
    const tree = await treeOf({ a: 'a' })
    await expect(exportTree({ store, tree, folder })).rejects.toMatchObject({ code: 'EXPORT_REFUSED', exitCode: 3 })
    expect(await filesIn(folder)).toEqual({ 'thesis.txt': 'years of work' })
  })

  it('goes on after it was stopped, and never writes what is damaged', async () => {
    const files = { 'pool/a.deb': 'a', 'pool/b.deb': 'b', 'dists/InRelease': 'r' }
    const tree = await treeOf(files)
    store.damage(digestOf('b'), Buffer.from('x'))
    await expect(exportTree({ store, tree, folder })).rejects.toMatchObject({ code: 'BLOB_DAMAGED' })
    expect(await filesIn(folder)).toEqual({ 'pool/a.deb': 'a' })
    await expect(exportTree({ store, tree, folder, signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    )
    await store.write(lease, Buffer.from('b'))
    await exportTree({ store, tree, folder })
    expect(await filesIn(folder)).toEqual(files)
    expect((await stat(join(folder, 'pool/a.deb'))).mode & 0o444).toBe(0o444)
  })
})

describe('verifyTree', () => {
  it('names each file that is damaged, cut or missing', async () => {
    const tree = await treeOf({ good: 'good', changed: 'changed', cut: 'cut', lost: 'lost' })
    store.damage(digestOf('changed'), Buffer.from('chanGed'))
    store.damage(digestOf('cut'), Buffer.from('cu'))
    await store.remove([digestOf('lost')], async () => new Set())
    const findings = await verifyTree(store, tree)
    expect(findings.map((finding) => finding.subject)).toEqual(['changed', 'cut', 'lost'])
    expect(findings.every((finding) => finding.severity === 'error')).toBe(true)
    expect(findings.map((finding) => finding.message).join()).toMatch(
      /bytes have changed.*2 bytes instead of 3.*not in the store/,
    )
  })

  it('stops when asked', async () => {
    const tree = await treeOf({ a: 'a' })
    await expect(verifyTree(store, tree, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    )
  })
})
