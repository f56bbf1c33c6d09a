import { randomUUID } from 'node:crypto'
import { chmod, rename, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../core/index.ts'
import { onDisk } from './disk-errors.ts'
import type { FileLayout } from './file-layout.ts'
import { sizeOfFile } from './size-of-file.ts'
import { syncFolder } from './sync-folder.ts'
import { writeFileDurably } from './write-file.ts'

/** Puts blobs in their place, whole and durable, and takes them away. The callers see to leases. */
export class BlobPlacement {
  readonly #layout: FileLayout
  /** Blobs on their way: a second writer of the same bytes is answered when the first is durable, not before. */
  readonly #arriving = new Map<Digest, Promise<void>>()

  constructor(layout: FileLayout) {
    this.#layout = layout
  }

  /** All of them durable when it resolves. */
  async write(items: ReadonlyMap<Digest, Uint8Array>): Promise<void> {
    await this.#arrive([...items.keys()], async (digests) => {
      await inParallel(digests, filesAtOnce, (digest) => this.#writeOne(digest, items.get(digest)!))
      const shards = new Set(digests.map((digest) => this.#layout.shardOf(digest)))
      await inParallel([...shards], filesAtOnce, syncFolder)
    })
  }

  /** Makes a finished file a blob. The file is gone from its old place when it resolves. */
  async adopt(path: string, blob: { digest: Digest; sizeBytes: number }): Promise<void> {
    await this.#arrive([blob.digest], async ([digest]) => {
      if (digest === undefined || this.#isThere(blob.digest, blob.sizeBytes)) return
      await chmod(path, blobMode)
      await rename(path, this.#layout.blob(digest))
      await syncFolder(this.#layout.shardOf(digest))
    })
    await rm(path, { force: true })
  }

  /** Sizes of those that were there. */
  async remove(digests: readonly Digest[]): Promise<number[]> {
    const sizes: number[] = []
    await inParallel(digests, removalsAtOnce, async (digest) => {
      const path = this.#layout.blob(digest)
      const sizeBytes = sizeOfFile(path)
      if (sizeBytes === undefined) return
      await unlink(path)
      sizes.push(sizeBytes)
    })
    return sizes
  }

  async #arrive(digests: readonly Digest[], place: (mine: readonly Digest[]) => Promise<void>): Promise<void> {
    const others = digests.map((digest) => this.#arriving.get(digest)).filter((arrival) => arrival !== undefined)
    const mine = digests.filter((digest) => !this.#arriving.has(digest))
    const arrival = onDisk('writing to the store', () => place(mine))
    for (const digest of mine) this.#arriving.set(digest, arrival)
    try {
      await Promise.all([arrival, ...others])
    } finally {
      // Whatever became of others: nobody may find this arrival once it is over.
      await Promise.allSettled([arrival])
      for (const digest of mine) this.#arriving.delete(digest)
    }
  }

  async #writeOne(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (this.#isThere(digest, bytes.length)) return
    const temporary = join(this.#layout.newBlobs, randomUUID())
    await writeFileDurably({ bytes, temporary, path: this.#layout.blob(digest), mode: blobMode })
  }

  /** A file of the wrong size is damaged: it is replaced. */
  #isThere(digest: Digest, sizeBytes: number): boolean {
    return sizeOfFile(this.#layout.blob(digest)) === sizeBytes
  }
}

/** Never written again, by anyone. */
const blobMode = 0o444

/** The journal of the file system merges waits for durability that overlap; more than this brings nothing. */
const filesAtOnce = 32
/** Of the four threads that work on files, so that a push need not wait behind hundreds of removals. */
const removalsAtOnce = 2

/** Waits for all, even when one fails, so that nothing goes on behind the caller's back; then throws the first failure. */
async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failures.length > 0) return
      try {
        await work(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
