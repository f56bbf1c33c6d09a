import { LarderError } from '../core/index.ts'
import type { BlobStore, LeaseId } from '../store/index.ts'
import { Chunker } from './chunking.ts'
import { rememberChunks } from './known-chunks.ts'
import { StoredTree } from './stored-tree.ts'
import { formatEntry } from './tree-chunk.ts'
import { checkTreePath, sortByPath } from './tree-path.ts'
import type { Tree, TreeEntry } from './tree.ts'

/**
 * Stores a tree of these entries, in whatever order they come, under the lease. The blobs that the entries name are
 * the caller's to store and to lease. TREE_PATH_REFUSED, also for a path that is given twice with different content.
 */
export async function writeTree(store: BlobStore, lease: LeaseId, entries: Iterable<TreeEntry>): Promise<Tree> {
  const chunker = new Chunker()
  let previous: TreeEntry | undefined
  for (const entry of sortByPath([...entries])) {
    checkTreePath(entry.path)
    if (previous?.path !== entry.path) chunker.add(entry)
    else mustBeEqual(previous, entry)
    previous = entry
  }
  const tree = new StoredTree(chunker.finish())
  await store.writeMany(lease, [...tree.chunks.map((chunk) => chunk.bytes), tree.manifest])
  rememberChunks(store, tree.chunks)
  return tree
}

function mustBeEqual(a: TreeEntry, b: TreeEntry): void {
  if (formatEntry(a) === formatEntry(b)) return
  throw new LarderError('TREE_PATH_REFUSED', {
    message: `The path ${a.path} is given twice, with different content.`,
    context: { path: a.path, digests: [a.digest, b.digest] },
  })
}
