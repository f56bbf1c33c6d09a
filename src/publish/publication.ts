import type { Digest } from '../core/index.ts'
import type { Tree } from './tree.ts'

/** An immutable, content-addressed state of a mirror, without the signature, which belongs to the publication. */
export interface Snapshot {
  /** Digest of the tree: two snapshots with the same content are the same snapshot. */
  tree: Digest
  mirror: string
  /** 1, 2, 3 … in each mirror, for people: `base@12`. */
  number: number
  createdAt: Date
  /** What made it: `run 17`, `promote`, … */
  origin: string
  /** What the format needs to show, diff and seal it again: JSON. */
  meta: unknown
}

/** What clients of a mirror see. */
export interface Publication {
  mirror: string
  /** Goes up by one at every switch. */
  generation: number
  snapshotNumber: number
  /** The sealed tree: the snapshot's entries and the signed metadata. */
  tree: Digest
  sealedAt: Date
  /** Undefined when clients need no re-signing. */
  validUntil: Date | undefined
}

/** Makes the signed entries over a snapshot: APT's Release, InRelease, Release.gpg. Supplied by the format. */
export interface Sealer {
  /**
   * Entries to add to (and to replace in) the snapshot's tree. `sealedAt` is later than that of every earlier
   * publication of the mirror, so that a rollback is followed by clients.
   */
  seal(options: {
    snapshot: Snapshot
    tree: Tree
    sealedAt: Date
    validUntil: Date | undefined
  }): Promise<{ entries: SealedEntry[] }>
}

/** Small content that the publisher writes to the store itself. */
export interface SealedEntry {
  path: string
  bytes: Buffer
  stable: boolean
}
