import type { Clock, Digest } from '../core/index.ts'
import type { BlobStore, LeaseId } from '../store/index.ts'

interface Waiting {
  lease: LeaseId
  bytes: Buffer
  digest: Digest
  resolve: () => void
  reject: (error: unknown) => void
}

/** A small file on its way, of which the batcher knows that it will come. */
export interface Arrival {
  /** Durable when it resolves. `digest` is of the bytes. DISK_FULL, LEASE_LOST. */
  write(bytes: Buffer, digest: Digest): Promise<void>
  /** Nothing more is written: nobody waits for it any more. To be called in any case, once or more. */
  end(): void
}

/**
 * Makes small files durable many at a time: each wait for the disk, each folder, and each transaction of leases then
 * serves a hundred of them. What has arrived waits for what is still on its way, though never for long, and never
 * when nothing is.
 */
export class WriteBatcher {
  readonly #store: BlobStore
  readonly #clock: Clock
  #waiting: Waiting[] = []
  #waitingBytes = 0
  /** Arrivals that have neither been written nor ended. */
  #coming = 0
  #busy = false
  #timer: AbortController | undefined

  constructor(store: BlobStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  expect(lease: LeaseId): Arrival {
    this.#coming++
    let isComing = true
    const arrived = (): void => {
      if (isComing) this.#coming--
      isComing = false
    }
    return {
      write: (bytes, digest) => {
        arrived()
        return this.#add({ lease, bytes, digest })
      },
      end: () => {
        arrived()
        this.#flushIfDue()
      },
    }
  }

  #add(item: Pick<Waiting, 'lease' | 'bytes' | 'digest'>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...item, resolve, reject })
      this.#waitingBytes += item.bytes.length
      this.#flushIfDue()
    })
  }

  #flushIfDue(): void {
    if (this.#busy || this.#waiting.length === 0) return
    if (this.#coming === 0 || this.#waiting.length >= batchFiles || this.#waitingBytes >= batchBytes) this.#flush()
    else if (this.#timer === undefined) this.#flushLater()
  }

  #flushLater(): void {
    const timer = (this.#timer = new AbortController())
    this.#clock.sleep(longestMs, timer.signal).then(
      () => this.#flush(),
      // Another flush came first.
      () => undefined,
    )
  }

  #flush(): void {
    this.#timer?.abort()
    this.#timer = undefined
    if (this.#busy) return
    this.#busy = true
    // Every failure is told to the writers that it concerns.
    this.#drain().catch(() => undefined)
  }

  async #drain(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const [lease, items] of Map.groupBy(batch, (item) => item.lease)) await this.#write(lease, items)
    this.#busy = false
    this.#flushIfDue()
  }

  async #write(lease: LeaseId, items: readonly Waiting[]): Promise<void> {
    const bytes = items.map((item) => item.bytes)
    const digests = items.map((item) => item.digest)
    try {
      await this.#store.writeMany(lease, bytes, digests)
      for (const item of items) item.resolve()
    } catch (error) {
      for (const item of items) item.reject(error)
    }
  }
}

/** A batch of either is worth a wait for the disk. */
const batchFiles = 128
const batchBytes = 8 * 1024 * 1024

/** What has arrived waits so long for more, when more is on its way. */
const longestMs = 200
