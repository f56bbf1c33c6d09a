import { isLarderError, type Clock, type Digest } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { BlobStore, LeaseId, Leases } from '../store/index.ts'
import type { Snapshot } from './publication.ts'
import { readStoredTree } from './read-tree.ts'
import { diffTrees } from './diff-trees.ts'
import { insertSnapshot, newestSnapshot, snapshotOfTree } from './snapshots.ts'
import { blobsOfEntry, type StoredTree } from './stored-tree.ts'

export interface NewSnapshot {
  mirror: string
  tree: Digest
  /** What made it: `run 17`. */
  origin: string
  /** JSON. Blobs whose digests stand in it are kept with the snapshot. */
  meta: unknown
}

/**
 * Records a tree as the next snapshot of the mirror; a tree that was recorded before is the snapshot that it was.
 * All blobs must be there: BLOB_MISSING otherwise. What the newest snapshot has too is there because that one
 * keeps it, so the cost follows the change.
 */
export async function addSnapshot(
  room: { state: State; store: BlobStore; clock: Clock; lease: LeaseId; leases: Leases },
  input: NewSnapshot,
): Promise<Snapshot> {
  const tree = await readStoredTree(room.store, input.tree)
  for (;;) {
    const newest = await newestSnapshot(room.state.db, input.mirror)
    if (newest?.tree !== input.tree)
      await room.leases.pin(room.lease, await blobsBeyond(room.store, tree, newest?.tree))
    const added = await room.state.transaction(async (transaction) => {
      const same = await snapshotOfTree(transaction, input.mirror, input.tree)
      if (same !== undefined) return same
      const last = await newestSnapshot(transaction, input.mirror)
      // Another was added meanwhile: compare with that one.
      if (last?.number !== newest?.number) return undefined
      const snapshot = { ...input, number: (last?.number ?? 0) + 1, createdAt: room.clock.now() }
      await insertSnapshot(transaction, snapshot)
      return snapshot
    })
    if (added !== undefined) return added
  }
}

/** What a tree needs that another, which something keeps, does not. */
export async function blobsBeyond(store: BlobStore, tree: StoredTree, other: Digest | undefined): Promise<Digest[]> {
  if (other === undefined) return [...tree.blobs()]
  const before = await readIfWhole(store, other)
  if (before === undefined) return [...tree.blobs()]
  const shared = new Set(before.chunks.map((chunk) => chunk.digest))
  const chunks = tree.chunks.map((chunk) => chunk.digest).filter((digest) => !shared.has(digest))
  const entries = [...diffTrees(before, tree)].flatMap(({ after }) => (after === undefined ? [] : blobsOfEntry(after)))
  return [tree.digest, ...chunks, ...entries]
}

/** A tree that is damaged itself proves nothing to be there. */
async function readIfWhole(store: BlobStore, tree: Digest): Promise<StoredTree | undefined> {
  try {
    return await readStoredTree(store, tree)
  } catch (error) {
    if (isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) return undefined
    throw error
  }
}
