import type { Digest } from '../core/index.ts'
import type { BlobStore, LeaseId } from '../store/index.ts'

interface Waiting {
  lease: LeaseId
  bytes: Buffer
  resolve: (digest: Digest) => void
  reject: (error: unknown) => void
}

/** Writes that are asked for while one is under way go together with the next: one wait for the disk for all. */
export class WriteBatcher {
  readonly #store: BlobStore
  #waiting: Waiting[] = []
  #busy = false

  constructor(store: BlobStore) {
    this.#store = store
  }

  /** Durable when it resolves. DISK_FULL. */
  write(lease: LeaseId, bytes: Buffer): Promise<Digest> {
    const { promise, resolve, reject } = Promise.withResolvers<Digest>()
    this.#waiting.push({ lease, bytes, resolve, reject })
    if (!this.#busy) {
      this.#busy = true
      // Every failure is told to the writers that it concerns.
      this.#drain().catch(() => undefined)
    }
    return promise
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lease = this.#waiting[0]!.lease
      const batch = this.#waiting.filter((item) => item.lease === lease)
      this.#waiting = this.#waiting.filter((item) => item.lease !== lease)
      await this.#writeBatch(lease, batch)
    }
    this.#busy = false
  }

  async #writeBatch(lease: LeaseId, batch: readonly Waiting[]): Promise<void> {
    try {
      const digests = await this.#store.writeMany(
        lease,
        batch.map(({ bytes }) => bytes),
      )
      for (const [position, item] of batch.entries()) item.resolve(digests[position]!)
    } catch (error) {
      for (const item of batch) item.reject(error)
    }
  }
}
