import type { Digest } from '../core/index.ts'

/** One file of a published tree. */
export interface TreeEntry {
  /** Relative, with `/`, no `.` or `..` part, no empty part. */
  path: string
  sizeBytes: number
  /** Digest of the whole content. */
  digest: Digest
  /** When the content is held as several blobs, one after the other; otherwise the blob is `digest` itself. */
  parts?: readonly { digest: Digest; sizeBytes: number }[]
  /** True when the path never comes to mean other bytes (pool, by-hash): clients may cache it for ever, and it stays reachable while an older retained generation has it. */
  stable: boolean
}

/** Immutable map from path to content, in sorted order of paths (by UTF-8 bytes). */
export interface Tree {
  readonly digest: Digest
  readonly count: number
  /** Sum of entry sizes. */
  readonly sizeBytes: number
  get(path: string): TreeEntry | undefined
  entries(): IterableIterator<TreeEntry>
  /** Every blob that the tree needs to exist, its own manifest blobs included: for gc. */
  blobs(): IterableIterator<Digest>
}
