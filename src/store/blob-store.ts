import type { Readable } from 'node:stream'
import type { Digest } from '../core/index.ts'

export interface BlobStat {
  sizeBytes: number
}

/** What the bytes must turn out to be; whatever is given is checked. */
export interface Expectation {
  sizeBytes?: number
  sha256?: string
  sha512?: string
  /** SHA-1 and MD5 are never accepted as the only promise. */
}

/**
 * Content-addressed, immutable blobs. A blob is in the store whole and durable, or not at all.
 * Free of file-system assumptions, so that an object store can stand behind it; every implementation
 * passes `blob-store.contract.ts`.
 */
export interface BlobStore {
  /** undefined when the blob is not there. */
  stat(digest: Digest): Promise<BlobStat | undefined>
  has(digest: Digest): Promise<boolean>
  /** Whole content, for small blobs. BLOB_MISSING. */
  readWhole(digest: Digest): Promise<Buffer>
  /** Content from `start` (default 0) to `end`, exclusive (default: the size). BLOB_MISSING. */
  read(digest: Digest, range?: { start?: number; end?: number }): Promise<Readable>
  /** Stores bytes under the lease; the same bytes twice are stored once. DISK_FULL, LEASE_LOST. */
  write(lease: LeaseId, bytes: Uint8Array): Promise<Digest>
  /**
   * As write, for several; one wait for durability. Order of answers is order of bytes. `digests`: of the items, in
   * their order, for a caller that has just worked them out itself. Default: they are worked out here.
   */
  writeMany(lease: LeaseId, items: readonly Uint8Array[], digests?: readonly Digest[]): Promise<Digest[]>
  /** Opens or takes up again an upload that survives a restart, identified by a key of the caller's choice. */
  openUpload(lease: LeaseId, key: string): Promise<Upload>
  /** Every digest with its size, in no order, for gc and verify. */
  list(): AsyncIterable<{ digest: Digest; sizeBytes: number }>
  /**
   * Only gc calls this. Removes those of the blobs that `stillWanted` does not name, and answers with their sizes.
   * While `stillWanted` is asked and the blobs go, a stat or write of one of them waits; so a blob that is
   * recorded under a lease first and looked for second is either there for good or known to be missing.
   */
  remove(
    digests: readonly Digest[],
    stillWanted: (digests: readonly Digest[]) => Promise<ReadonlySet<Digest>>,
  ): Promise<{ removed: number; freedBytes: number }>
  /**
   * Only gc calls this. Removes what a crash left of writes, and uploads that nobody has open, that were last
   * touched before `unusedSince`, and whose lease is none of `liveLeases`.
   */
  removeLeftovers(options: {
    unusedSince: Date
    liveLeases: ReadonlySet<LeaseId>
  }): Promise<{ removed: number; freedBytes: number }>
}

/** What a store whose blobs are local files can do besides: lets a server read in large steps. */
export interface LocalBlobs {
  /** Path of the file that holds exactly the blob's bytes, if the blob is there. Never to be written. */
  localPath(digest: Digest): string
}

/** One writer at a time for each key: a second openUpload waits for the first to commit, suspend or abort. */
export interface Upload {
  /** Bytes already held, from which a transfer goes on. */
  readonly offsetBytes: number
  /** Free text kept with the upload: the ETag that the bytes belong to. '' when new. */
  readonly tag: string
  /** Throws away what is held and starts at 0 with a new tag. */
  restart(tag: string): Promise<void>
  /** Wait for each before the next. After DISK_FULL the upload holds what it held before. */
  append(chunk: Uint8Array): Promise<void>
  /** Checks, makes durable and adopts the bytes as a blob. DIGEST_MISMATCH, SIZE_MISMATCH (the upload is then gone); DISK_FULL, LEASE_LOST. */
  commit(expected: Expectation): Promise<{ digest: Digest; sizeBytes: number }>
  /** Leaves the bytes for a later openUpload with the same key. */
  suspend(): Promise<void>
  abort(): Promise<void>
}

declare const leaseBrand: unique symbol
/** Keeps what is written or pinned under it from gc, until released or expired. */
export type LeaseId = string & { readonly [leaseBrand]: 'LeaseId' }

export interface Leases {
  /** The same holder again gets the same lease, renewed. `holder`: `run/17`. Default 24 h. */
  acquire(holder: string, durationMs?: number): Promise<LeaseId>
  /** Protects blobs that are already in the store. BLOB_MISSING when one is not. */
  pin(lease: LeaseId, digests: readonly Digest[]): Promise<void>
  release(lease: LeaseId): Promise<void>
}
