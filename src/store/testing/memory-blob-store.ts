import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Digest, digestOf, LarderError, Mutex } from '../../core/index.ts'
import type { BlobStat, BlobStore, Expectation, LeaseId, Leases, Upload } from '../blob-store.ts'
import { checkExpectation } from '../expectation.ts'
import type { LeaseBook } from '../lease-book.ts'
import { Removals } from '../removals.ts'

/** A store in memory, for tests. Without a lease book it accepts every lease. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<Digest, Buffer>()
  readonly #uploads = new Map<string, HeldUpload>()
  readonly #removals = new Removals()
  readonly #leaseBook: LeaseBook | undefined

  constructor(leaseBook?: LeaseBook) {
    this.#leaseBook = leaseBook
  }

  async stat(digest: Digest): Promise<BlobStat | undefined> {
    await this.#removals.settled(digest)
    const bytes = this.#blobs.get(digest)
    return bytes === undefined ? undefined : { sizeBytes: bytes.length }
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.stat(digest)) !== undefined
  }

  async readWhole(digest: Digest): Promise<Buffer> {
    const bytes = this.#blobs.get(digest)
    if (bytes === undefined)
      throw new LarderError('BLOB_MISSING', { message: `The blob ${digest} is not in the store.` })
    return Buffer.from(bytes)
  }

  async read(digest: Digest, range: { start?: number; end?: number } = {}): Promise<Readable> {
    const bytes = (await this.readWhole(digest)).subarray(range.start ?? 0, range.end)
    return Readable.from(bytes.length === 0 ? [] : [bytes])
  }

  async write(lease: LeaseId, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes)
    await this.#leaseBook?.record(lease, [digest])
    await this.#removals.settled(digest)
    this.#blobs.set(digest, Buffer.from(bytes))
    return digest
  }

  writeMany(lease: LeaseId, items: readonly Uint8Array[]): Promise<Digest[]> {
    return Promise.all(items.map((bytes) => this.write(lease, bytes)))
  }

  async openUpload(lease: LeaseId, key: string): Promise<Upload> {
    const held = this.#uploads.get(key) ?? {
      mutex: new Mutex(),
      bytes: Buffer.alloc(0),
      tag: '',
      lease,
      users: 0,
      touchedAt: new Date(0),
    }
    this.#uploads.set(key, held)
    held.users++
    const release = await held.mutex.acquire()
    held.lease = lease
    this.#uploads.set(key, held)
    const close = (keep: boolean): void => {
      held.users--
      if (!keep) Object.assign(held, { bytes: Buffer.alloc(0), tag: '' })
      if (!keep && held.users === 0) this.#uploads.delete(key)
      release()
    }
    return new MemoryUpload(held, { close, write: (bytes) => this.write(lease, bytes) })
  }

  async *list(): AsyncIterable<{ digest: Digest; sizeBytes: number }> {
    for (const [digest, bytes] of [...this.#blobs]) yield { digest, sizeBytes: bytes.length }
  }

  remove(
    digests: readonly Digest[],
    stillWanted: (digests: readonly Digest[]) => Promise<ReadonlySet<Digest>>,
  ): Promise<{ removed: number; freedBytes: number }> {
    return this.#removals.run(digests, async () => {
      const wanted = await stillWanted(digests)
      const gone = digests.filter((digest) => !wanted.has(digest) && this.#blobs.has(digest))
      const freedBytes = gone.reduce((sum, digest) => sum + (this.#blobs.get(digest)?.length ?? 0), 0)
      for (const digest of gone) this.#blobs.delete(digest)
      return { removed: gone.length, freedBytes }
    })
  }

  async removeLeftovers(options: {
    unusedSince: Date
    liveLeases: ReadonlySet<LeaseId>
  }): Promise<{ removed: number; freedBytes: number }> {
    const expired = [...this.#uploads].filter(
      ([, held]) => held.users === 0 && !options.liveLeases.has(held.lease) && held.touchedAt < options.unusedSince,
    )
    for (const [key] of expired) this.#uploads.delete(key)
    return { removed: expired.length, freedBytes: expired.reduce((sum, [, held]) => sum + held.bytes.length, 0) }
  }

  /** What a failing disk does: other bytes under the same digest. */
  damage(digest: Digest, bytes: Uint8Array): void {
    this.#blobs.set(digest, Buffer.from(bytes))
  }
}

/** Leases that are only believed, for tests of rooms that write blobs and never collect garbage. */
export function createMemoryLeases(store: Pick<BlobStore, 'has'>): Leases {
  return {
    acquire: async (holder) => `lease of ${holder}` as LeaseId,
    pin: async (_lease, digests) => {
      for (const digest of digests) {
        if (!(await store.has(digest)))
          throw new LarderError('BLOB_MISSING', { message: `${digest} is not in the store.` })
      }
    },
    release: async () => {},
  }
}

interface HeldUpload {
  readonly mutex: Mutex
  bytes: Buffer
  tag: string
  lease: LeaseId
  users: number
  touchedAt: Date
}

class MemoryUpload implements Upload {
  readonly #held: HeldUpload
  readonly #close: (keep: boolean) => void
  readonly #write: (bytes: Uint8Array) => Promise<Digest>
  #open = true

  constructor(
    held: HeldUpload,
    store: { close: (keep: boolean) => void; write: (bytes: Uint8Array) => Promise<Digest> },
  ) {
    this.#held = held
    this.#close = store.close
    this.#write = store.write
  }

  get offsetBytes(): number {
    return this.#held.bytes.length
  }

  get tag(): string {
    return this.#held.tag
  }

  async restart(tag: string): Promise<void> {
    this.#mustBeOpen()
    Object.assign(this.#held, { bytes: Buffer.alloc(0), tag })
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#mustBeOpen()
    this.#held.bytes = Buffer.concat([this.#held.bytes, chunk])
  }

  async commit(expected: Expectation): Promise<{ digest: Digest; sizeBytes: number }> {
    this.#mustBeOpen()
    const { bytes } = this.#held
    try {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const sha512 = createHash('sha512').update(bytes).digest('hex')
      checkExpectation('upload', expected, { sizeBytes: bytes.length, sha256, sha512 })
    } catch (error) {
      await this.abort()
      throw error
    }
    try {
      return { digest: await this.#write(bytes), sizeBytes: bytes.length }
    } catch (error) {
      await this.suspend()
      throw error
    } finally {
      await this.abort()
    }
  }

  async suspend(): Promise<void> {
    if (this.#open) this.#close(true)
    this.#open = false
  }

  async abort(): Promise<void> {
    if (this.#open) this.#close(false)
    this.#open = false
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error('the upload is closed')
  }
}
