import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { Readable } from 'node:stream'
import { type Digest, digestOf, LarderError } from '../core/index.ts'
import type { BlobStat, BlobStore, LeaseId, LocalBlobs, Upload } from './blob-store.ts'
import { BlobPlacement } from './blob-placement.ts'
import { hasErrno, onDisk } from './disk-errors.ts'
import { FileLayout, digestOfFileName } from './file-layout.ts'
import { FileUploads } from './file-uploads.ts'
import { FreeSpace, defaultReserve } from './free-space.ts'
import type { LeaseBook } from './lease-book.ts'
import { Removals } from './removals.ts'
import { sizeOfFile } from './size-of-file.ts'
import { syncFolder } from './sync-folder.ts'

export interface FileBlobStoreOptions {
  /** The data directory; `blobs` and `uploads` are made in it. Only one process may use it: `lockDataFolder`. */
  folder: string
  /** Where leases are written down: `sqlLeaseBook(state)`. */
  leaseBook: LeaseBook
  /** Blobs are refused (DISK_FULL) when they would leave less than this for the database. Default: 64 MiB, on a small file system an eighth of it. */
  reserveBytes?: number
}

/** Opens the store, and clears away what writes of a process that was killed have left. DISK_FULL. */
export async function openFileBlobStore(options: FileBlobStoreOptions): Promise<FileBlobStore> {
  const layout = new FileLayout(options.folder)
  await onDisk(`opening the store in ${options.folder}`, async () => {
    await rm(layout.newBlobs, { recursive: true, force: true })
    await mkdir(layout.newBlobs, { recursive: true, mode: 0o750 })
    await mkdir(layout.blobs, { recursive: true, mode: 0o750 })
    const there = new Set(await readdir(layout.blobs))
    const shards = layout.shards().filter((shard) => !there.has(basename(shard)))
    await Promise.all(shards.map((shard) => mkdir(shard, { mode: 0o750 })))
    // A blob that a killed process had renamed, but not yet made durable, is there for us: make it durable now.
    const old = layout.shards().filter((shard) => there.has(basename(shard)))
    await Promise.all([...old, layout.blobs, dirname(layout.blobs), layout.uploads, options.folder].map(syncFolder))
  })
  const reserveBytes = options.reserveBytes ?? (await defaultReserve(options.folder))
  return new FileBlobStore(layout, options.leaseBook, new FreeSpace(options.folder, reserveBytes))
}

/** Blobs as files. Order of a write: lease row, temporary file, fsync, rename, fsync of the folder, answer. */
export class FileBlobStore implements BlobStore, LocalBlobs {
  readonly #layout: FileLayout
  readonly #leaseBook: LeaseBook
  readonly #space: FreeSpace
  readonly #removals = new Removals()
  readonly #placement: BlobPlacement
  readonly #uploads: FileUploads

  constructor(layout: FileLayout, leaseBook: LeaseBook, space: FreeSpace) {
    this.#layout = layout
    this.#leaseBook = leaseBook
    this.#space = space
    this.#placement = new BlobPlacement(layout)
    this.#uploads = new FileUploads(layout, {
      claim: (sizeBytes) => space.claim(sizeBytes),
      adopt: (lease, path, blob) => this.#adopt(lease, path, blob),
    })
  }

  localPath(digest: Digest): string {
    return this.#layout.blob(digest)
  }

  async stat(digest: Digest): Promise<BlobStat | undefined> {
    await this.#removals.settled(digest)
    const sizeBytes = sizeOfFile(this.#layout.blob(digest))
    return sizeBytes === undefined ? undefined : { sizeBytes }
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.stat(digest)) !== undefined
  }

  async readWhole(digest: Digest): Promise<Buffer> {
    try {
      return await readFile(this.#layout.blob(digest))
    } catch (error) {
      throw hasErrno(error, 'ENOENT') ? blobMissing(digest) : error
    }
  }

  async read(digest: Digest, range: { start?: number; end?: number } = {}): Promise<Readable> {
    const { start = 0, end } = range
    try {
      const handle = await open(this.#layout.blob(digest))
      if (end !== undefined && end <= start) {
        await handle.close()
        return Readable.from([])
      }
      return handle.createReadStream({
        start,
        highWaterMark: readChunkBytes,
        ...(end === undefined ? {} : { end: end - 1 }),
      })
    } catch (error) {
      throw hasErrno(error, 'ENOENT') ? blobMissing(digest) : error
    }
  }

  async write(lease: LeaseId, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes)
    await this.#writeAll(lease, new Map([[digest, bytes]]))
    return digest
  }

  async writeMany(
    lease: LeaseId,
    items: readonly Uint8Array[],
    digests: readonly Digest[] = items.map(digestOf),
  ): Promise<Digest[]> {
    await this.#writeAll(lease, new Map(items.map((bytes, index) => [digests[index]!, bytes])))
    return [...digests]
  }

  openUpload(lease: LeaseId, key: string): Promise<Upload> {
    return this.#uploads.open(lease, key)
  }

  async *list(): AsyncIterable<{ digest: Digest; sizeBytes: number }> {
    for (const shard of this.#layout.shards()) {
      const digests = (await readdir(shard)).map(digestOfFileName).filter((digest) => digest !== undefined)
      const sizes = await Promise.all(digests.map((digest) => this.stat(digest)))
      for (const [index, digest] of digests.entries()) {
        const found = sizes[index]
        if (found !== undefined) yield { digest, sizeBytes: found.sizeBytes }
      }
    }
  }

  remove(
    digests: readonly Digest[],
    stillWanted: (digests: readonly Digest[]) => Promise<ReadonlySet<Digest>>,
  ): Promise<{ removed: number; freedBytes: number }> {
    return this.#removals.run(digests, async () => {
      const wanted = await stillWanted(digests)
      const gone = await this.#placement.remove(digests.filter((digest) => !wanted.has(digest)))
      return { removed: gone.length, freedBytes: gone.reduce((sum, size) => sum + size, 0) }
    })
  }

  removeLeftovers(options: {
    unusedSince: Date
    liveLeases: ReadonlySet<LeaseId>
  }): Promise<{ removed: number; freedBytes: number }> {
    return this.#uploads.removeLeftovers(options)
  }

  async #writeAll(lease: LeaseId, items: ReadonlyMap<Digest, Uint8Array>): Promise<void> {
    let sizeBytes = 0
    for (const bytes of items.values()) sizeBytes += bytes.length
    await this.#space.claim(sizeBytes)
    await this.#announce(lease, [...items.keys()])
    await this.#placement.write(items)
  }

  async #adopt(lease: LeaseId, path: string, blob: { digest: Digest; sizeBytes: number }): Promise<void> {
    await this.#announce(lease, [blob.digest])
    await this.#placement.adopt(path, blob)
  }

  /** The order matters: see Removals. */
  async #announce(lease: LeaseId, digests: readonly Digest[]): Promise<void> {
    await this.#leaseBook.record(lease, digests)
    for (const digest of digests) await this.#removals.settled(digest)
  }
}

/** Larger than Node's 64 KiB, for throughput; of what has 128 KiB, malloc(3) maps each anew, which costs as much as the rest. */
const readChunkBytes = 122_880

function blobMissing(digest: Digest): LarderError {
  return new LarderError('BLOB_MISSING', {
    message: `The blob ${digest} is not in the store.`,
    hint: 'Run `larder doctor`: it finds what needs the blob and fetches it again.',
    context: { digest },
  })
}
