import type { Clock, Digest } from '../core/index.ts'
import type { BlobStore } from './blob-store.ts'
import type { CollectableLeases } from './leases.ts'

export interface CollectionOptions {
  store: BlobStore
  leases: CollectableLeases
  clock: Clock
  /** Every blob that something refers to: publications, snapshots, the cache. Leases are seen to here. */
  roots: () => AsyncIterable<Digest>
  /** Uploads without a live lease are kept this long, so that the next run goes on from them. Default 24 h. */
  keepUploadsMs?: number
  signal?: AbortSignal
}

export interface CollectionResult {
  removed: number
  freedBytes: number
  kept: number
}

const dayMs = 86_400_000

/**
 * Removes every blob that nothing refers to. Writes go on meanwhile. Killed anywhere, it has removed only what
 * nothing refers to; the next collection does the rest.
 *
 * Why no blob is taken that someone is about to need: whoever commits a reference holds a lease on the blob from
 * before it was visible until after the commit. If the commit came before the marking, the mark spares the blob.
 * If it came after, the lease row is still there at the question that `BlobStore.remove` asks last, because leases
 * that are released during a collection go only at its end.
 */
export async function collectGarbage(options: CollectionOptions): Promise<CollectionResult> {
  return options.leases.duringCollection(async () => {
    const marked = await mark(options)
    const result = await sweep(options, marked)
    const leftovers = await options.store.removeLeftovers({
      unusedSince: new Date(options.clock.now().getTime() - (options.keepUploadsMs ?? dayMs)),
      liveLeases: await options.leases.live(),
    })
    return { ...result, freedBytes: result.freedBytes + leftovers.freedBytes }
  })
}

async function mark(options: CollectionOptions): Promise<Set<Digest>> {
  const marked = new Set<Digest>()
  for await (const digest of options.leases.roots()) marked.add(digest)
  for await (const digest of options.roots()) {
    marked.add(digest)
    options.signal?.throwIfAborted()
  }
  return marked
}

/** Blobs of one question to the database. */
const batchSize = 500

async function sweep(options: CollectionOptions, marked: ReadonlySet<Digest>): Promise<CollectionResult> {
  const result: CollectionResult = { removed: 0, freedBytes: 0, kept: 0 }
  let batch: Digest[] = []
  const removeBatch = async (): Promise<void> => {
    const { removed, freedBytes } = await options.store.remove(batch, (digests) => options.leases.held(digests))
    result.removed += removed
    result.freedBytes += freedBytes
    result.kept += batch.length - removed
    batch = []
    options.signal?.throwIfAborted()
  }
  for await (const { digest } of options.store.list()) {
    if (marked.has(digest)) result.kept++
    else batch.push(digest)
    if (batch.length >= batchSize) await removeBatch()
  }
  if (batch.length > 0) await removeBatch()
  return result
}
