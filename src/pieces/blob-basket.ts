import { digestOf, type Digest } from '../core/index.ts'
import type { BlobStore, LeaseId } from '../store/index.ts'
import type { PieceMemory } from './piece-memory.ts'
import type { Part } from './piece.ts'

/**
 * Collects new blobs and writes many at once, since the store waits for the disk once for each call; reads back
 * what was collected, remembered or stored.
 */
export class BlobBasket {
  readonly #store: BlobStore
  readonly #lease: LeaseId
  readonly #memory: PieceMemory
  #waiting = new Map<Digest, Buffer>()
  #waitingBytes = 0

  constructor(store: BlobStore, lease: LeaseId, memory: PieceMemory) {
    this.#store = store
    this.#lease = lease
    this.#memory = memory
  }

  /** In the store after the next `flush`. */
  add(bytes: Buffer): Part {
    const digest = digestOf(bytes)
    if (!this.#waiting.has(digest)) {
      this.#waiting.set(digest, bytes)
      this.#waitingBytes += bytes.length
      this.#memory.keep(digest, bytes)
    }
    return { digest, sizeBytes: bytes.length }
  }

  /** DISK_FULL. */
  async flushIfLarge(): Promise<void> {
    if (this.#waitingBytes >= largeBytes) await this.flush()
  }

  /** DISK_FULL. */
  async flush(): Promise<void> {
    const items = [...this.#waiting]
    this.#waitingBytes = 0
    if (items.length === 0) return
    this.#waiting = new Map()
    await this.#store.writeMany(
      this.#lease,
      items.map(([, bytes]) => bytes),
    )
  }

  /** BLOB_MISSING. */
  async read(digest: Digest): Promise<Buffer> {
    const held = this.#waiting.get(digest) ?? this.#memory.get(digest)
    if (held !== undefined) return held
    const bytes = await this.#store.readWhole(digest)
    this.#memory.keep(digest, bytes)
    return bytes
  }

  /** Without waiting, when it is at hand. */
  peek(digest: Digest): Buffer | undefined {
    return this.#waiting.get(digest) ?? this.#memory.get(digest)
  }
}

const largeBytes = 8 * 1024 * 1024
