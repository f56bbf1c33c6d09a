import type { Digest } from '../core/index.ts'
import type { BlobStore } from '../store/index.ts'
import type { TreeChunk } from './tree-chunk.ts'

/** The chunk, when some tree in memory still holds it. Chunks never change, so trees may share them. */
export function knownChunk(store: BlobStore, digest: Digest): TreeChunk | undefined {
  return ofStores.get(store)?.chunks.get(digest)?.deref()
}

/** Makes chunks known for as long as something else holds them. */
export function rememberChunks(store: BlobStore, chunks: readonly TreeChunk[]): void {
  let known = ofStores.get(store)
  if (known === undefined) ofStores.set(store, (known = { chunks: new Map(), clearAt: leastToClear }))
  for (const chunk of chunks) known.chunks.set(chunk.digest, new WeakRef(chunk))
  if (known.chunks.size < known.clearAt) return
  for (const [digest, reference] of known.chunks) if (reference.deref() === undefined) known.chunks.delete(digest)
  known.clearAt = Math.max(leastToClear, known.chunks.size * 2)
}

const leastToClear = 1024
const ofStores = new WeakMap<BlobStore, { chunks: Map<Digest, WeakRef<TreeChunk>>; clearAt: number }>()
