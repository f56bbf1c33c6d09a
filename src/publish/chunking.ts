import { TreeChunk, formatEntry } from './tree-chunk.ts'
import type { TreeEntry } from './tree.ts'

/** A chunk may end after this many entries … */
const minEntries = 64
/** … and must after this many. */
const maxEntries = 1024
/** In between it ends where the hash of the path says so: after 256 more, on average. */
const boundaryMask = 0xff

/**
 * Cuts sorted entries into chunks. Where a chunk ends depends on the entries since its start only, so a change
 * in one place leaves the chunks elsewhere as they are, and the same entries always give the same chunks.
 */
export class Chunker {
  readonly chunks: TreeChunk[] = []
  #lines = ''
  #count = 0
  #sizeBytes = 0

  /** True when the next entry begins a chunk. */
  get atBoundary(): boolean {
    return this.#count === 0
  }

  add(entry: TreeEntry): void {
    this.#lines += formatEntry(entry)
    this.#count++
    this.#sizeBytes += entry.sizeBytes
    const mayEnd = this.#count >= minEntries && (hashOf(entry.path) & boundaryMask) === 0
    if (mayEnd || this.#count >= maxEntries) this.#end()
  }

  /** Takes over a chunk as it is; only at a boundary. */
  addChunk(chunk: TreeChunk): void {
    this.chunks.push(chunk)
  }

  finish(): TreeChunk[] {
    if (this.#count > 0) this.#end()
    return this.chunks
  }

  #end(): void {
    this.chunks.push(TreeChunk.fromText(this.#lines, this.#sizeBytes))
    this.#lines = ''
    this.#count = 0
    this.#sizeBytes = 0
  }
}

/** FNV-1a over UTF-16 units, mixed at the end as in MurmurHash3, so that the low bits are as good as the others. */
function hashOf(path: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < path.length; index++) hash = Math.imul(hash ^ path.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
