import { digestOf, hexOf, type Digest } from '../core/index.ts'
import { compareBytes } from './tree-path.ts'
import type { Tree, TreeEntry } from './tree.ts'
import type { TreeChunk } from './tree-chunk.ts'

/** First line of a manifest; the number is that of the format. */
export const manifestHeader = 'larder-tree 1'

/**
 * A tree in two levels: chunks of some hundred entries, and a manifest that lists them. The manifest's blob is
 * the identity of the tree:
 *
 *     larder-tree 1
 *     chunk-hex  count  size  path of its first entry
 *     …
 */
export class StoredTree implements Tree {
  readonly digest: Digest
  readonly manifest: Buffer
  readonly chunks: readonly TreeChunk[]
  readonly count: number
  readonly sizeBytes: number
  readonly #firstPaths: readonly Buffer[]

  constructor(chunks: readonly TreeChunk[]) {
    this.chunks = chunks
    this.#firstPaths = chunks.map((chunk) => chunk.firstPath)
    this.manifest = Buffer.from(formatManifest(chunks, this.#firstPaths))
    this.digest = digestOf(this.manifest)
    this.count = chunks.reduce((sum, chunk) => sum + chunk.count, 0)
    this.sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0)
  }

  get(path: string): TreeEntry | undefined {
    const bytes = Buffer.from(path)
    return this.chunks[this.chunkIndexOf(bytes)]?.find(bytes)
  }

  /** The chunk that has the path or would have it; -1 before the first. */
  chunkIndexOf(path: Buffer): number {
    let low = 0
    let high = this.#firstPaths.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const first = this.#firstPaths[middle]!
      if (compareBytes(path, first, 0, first.length) >= 0) low = middle + 1
      else high = middle - 1
    }
    return high
  }

  *entries(): IterableIterator<TreeEntry> {
    for (const chunk of this.chunks) yield* chunk.entries()
  }

  *blobs(): IterableIterator<Digest> {
    yield this.digest
    for (const chunk of this.chunks) yield* blobsOfChunk(chunk)
  }
}

/** The chunk's own blob and those of its entries. */
export function* blobsOfChunk(chunk: TreeChunk): IterableIterator<Digest> {
  yield chunk.digest
  for (const entry of chunk.entries()) yield* blobsOfEntry(entry)
}

export function blobsOfEntry(entry: TreeEntry): Digest[] {
  return entry.parts === undefined ? [entry.digest] : entry.parts.map((part) => part.digest)
}

function formatManifest(chunks: readonly TreeChunk[], firstPaths: readonly Buffer[]): string {
  const lines = chunks.map(
    (chunk, index) => `${hexOf(chunk.digest)}\t${chunk.count}\t${chunk.sizeBytes}\t${firstPaths[index]!.toString()}\n`,
  )
  return `${manifestHeader}\n${lines.join('')}`
}
