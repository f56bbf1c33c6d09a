import type { Digest } from '../core/index.ts'
import type { Composition } from './composition.ts'
import { RopeHashes } from './rope-hashes.ts'

/**
 * Bytes of the pieces last used, so that the checksum over a whole index needs not read them from the store again.
 * Holds at most `limitBytes`; the default, 64 MiB, is enough for 45,000 packages in plain, gz and xz, and nothing
 * is taken before it is used.
 */
export class PieceMemory {
  readonly #limitBytes: number
  readonly #pieces = new Map<Digest, Buffer>()
  #sizeBytes = 0
  readonly hashes = new RopeHashes()
  /** The last composition of each mirror. */
  readonly compositions = new Map<string, Composition>()

  constructor(limitBytes: number = 64 * 1024 * 1024) {
    this.#limitBytes = limitBytes
  }

  get(digest: Digest): Buffer | undefined {
    return this.#pieces.get(digest)
  }

  /**
   * Refused when full: a whole index is read in one sweep, and with "the oldest goes first" a sweep over more than
   * the limit would find nothing.
   */
  keep(digest: Digest, bytes: Buffer): void {
    if (this.#pieces.has(digest) || this.#sizeBytes + bytes.length > this.#limitBytes) return
    this.#pieces.set(digest, bytes)
    this.#sizeBytes += bytes.length
  }

  /** Drops what is not among these: called when a composition is done. */
  retain(digests: ReadonlySet<Digest>): void {
    for (const [digest, bytes] of this.#pieces) {
      if (digests.has(digest)) continue
      this.#pieces.delete(digest)
      this.#sizeBytes -= bytes.length
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }
}
