import type { BlobStore, LeaseId } from '../store/index.ts'
import { Chunker } from './chunking.ts'
import { rememberChunks } from './known-chunks.ts'
import { readStoredTree } from './read-tree.ts'
import { StoredTree } from './stored-tree.ts'
import type { TreeChunk } from './tree-chunk.ts'
import { checkTreePath, comparePaths, sortByPath } from './tree-path.ts'
import type { Tree, TreeEntry } from './tree.ts'

export interface TreeChanges {
  /** Added, or put in place of what has the same path. */
  set?: readonly TreeEntry[]
  /** Paths; one that is not there is passed over. A path in both is set. */
  remove?: readonly string[]
}

/**
 * The tree with changes made to it: what writeTree would make of the result, at the cost of the chunks that change.
 * Something must protect the base tree from gc until the result is referred to: a snapshot that is kept, or a lease.
 */
export async function withEntries(store: BlobStore, lease: LeaseId, base: Tree, changes: TreeChanges): Promise<Tree> {
  const stored = base instanceof StoredTree ? base : await readStoredTree(store, base.digest)
  const known = new Set(stored.chunks)
  const tree = new StoredTree(rechunk(stored, sortedChanges(changes)))
  const fresh = tree.chunks.filter((chunk) => !known.has(chunk))
  await store.writeMany(lease, [...fresh.map((chunk) => chunk.bytes), tree.manifest])
  rememberChunks(store, fresh)
  return tree
}

interface PathChange {
  path: string
  entry: TreeEntry | undefined
}

function sortedChanges(changes: TreeChanges): PathChange[] {
  const byPath = new Map<string, PathChange>()
  for (const path of changes.remove ?? []) byPath.set(path, { path, entry: undefined })
  for (const entry of changes.set ?? []) {
    checkTreePath(entry.path)
    byPath.set(entry.path, { path: entry.path, entry })
  }
  return sortByPath([...byPath.values()])
}

/** Old chunks are taken over whole wherever a boundary of the new tree meets theirs and no change falls into them. */
function rechunk(base: StoredTree, changes: readonly PathChange[]): TreeChunk[] {
  const chunker = new Chunker()
  let next = 0
  for (const [index, chunk] of base.chunks.entries()) {
    const here = next
    while (next < changes.length && belongsTo(base, index, changes[next]!.path)) next++
    if (here === next && chunker.atBoundary) chunker.addChunk(chunk)
    else for (const entry of merged(chunk, changes.slice(here, next))) chunker.add(entry)
  }
  for (const { entry } of changes.slice(next)) if (entry !== undefined) chunker.add(entry)
  return chunker.finish()
}

/** What comes before the first chunk belongs to the first. */
function belongsTo(base: StoredTree, index: number, path: string): boolean {
  return Math.max(0, base.chunkIndexOf(Buffer.from(path))) === index
}

function* merged(chunk: TreeChunk, changes: readonly PathChange[]): IterableIterator<TreeEntry> {
  let next = 0
  for (const entry of chunk.entries()) {
    let replaced = false
    for (let change = changes[next]; change !== undefined; change = changes[next]) {
      const order = comparePaths(change.path, entry.path)
      if (order > 0) break
      if (change.entry !== undefined) yield change.entry
      replaced ||= order === 0
      next++
    }
    if (!replaced) yield entry
  }
  for (const { entry } of changes.slice(next)) if (entry !== undefined) yield entry
}
