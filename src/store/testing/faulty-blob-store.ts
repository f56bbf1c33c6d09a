import type { Readable } from 'node:stream'
import { type Digest, LarderError } from '../../core/index.ts'
import type { BlobStat, BlobStore, Expectation, LeaseId, Upload } from '../blob-store.ts'

/** A store whose disk is full at the nth write (1-based: write, each item of writeMany, append, commit), and from then on. */
export class FaultyBlobStore implements BlobStore {
  readonly #store: BlobStore
  readonly #failsAt: number
  #writes = 0

  constructor(store: BlobStore, options: { failsAtWrite: number }) {
    this.#store = store
    this.#failsAt = options.failsAtWrite
  }

  /** Writes that were asked for so far. */
  get writes(): number {
    return this.#writes
  }

  stat(digest: Digest): Promise<BlobStat | undefined> {
    return this.#store.stat(digest)
  }
  has(digest: Digest): Promise<boolean> {
    return this.#store.has(digest)
  }
  readWhole(digest: Digest): Promise<Buffer> {
    return this.#store.readWhole(digest)
  }
  read(digest: Digest, range?: { start?: number; end?: number }): Promise<Readable> {
    return this.#store.read(digest, range)
  }
  async write(lease: LeaseId, bytes: Uint8Array): Promise<Digest> {
    this.#count()
    return this.#store.write(lease, bytes)
  }
  async writeMany(lease: LeaseId, items: readonly Uint8Array[]): Promise<Digest[]> {
    items.forEach(() => {
      this.#count()
    })
    return this.#store.writeMany(lease, items)
  }
  async openUpload(lease: LeaseId, key: string): Promise<Upload> {
    const upload = await this.#store.openUpload(lease, key)
    const count = (): void => this.#count()
    return {
      get offsetBytes() {
        return upload.offsetBytes
      },
      get tag() {
        return upload.tag
      },
      restart: (tag: string) => upload.restart(tag),
      append: async (chunk: Uint8Array) => {
        count()
        await upload.append(chunk)
      },
      commit: async (expected: Expectation) => {
        try {
          count()
        } catch (error) {
          await upload.suspend()
          throw error
        }
        return upload.commit(expected)
      },
      suspend: () => upload.suspend(),
      abort: () => upload.abort(),
    }
  }
  list(): AsyncIterable<{ digest: Digest; sizeBytes: number }> {
    return this.#store.list()
  }
  remove(...input: Parameters<BlobStore['remove']>): ReturnType<BlobStore['remove']> {
    return this.#store.remove(...input)
  }
  removeLeftovers(...input: Parameters<BlobStore['removeLeftovers']>): ReturnType<BlobStore['removeLeftovers']> {
    return this.#store.removeLeftovers(...input)
  }

  #count(): void {
    this.#writes++
    if (this.#writes >= this.#failsAt)
      throw new LarderError('DISK_FULL', { message: 'The disk is full, says the test.' })
  }
}
