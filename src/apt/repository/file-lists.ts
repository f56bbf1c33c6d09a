import { availableParallelism } from 'node:os'
import { isDigest, type Digest, isLarderError } from '../../core/index.ts'
import type { BlobStore, LeaseId } from '../../store/index.ts'
import { debInStore, readFilesOfMany, type DebSource } from '../deb/index.ts'
import type { PieceCache } from '../../pieces/index.ts'

/** What packages install. */
export interface FileLists {
  /** Unpacks those that never were, so that `of` answers at once. */
  prepare(items: readonly ListedDeb[]): Promise<void>
  /** Paths without a leading `/`, sorted by bytes. */
  of(item: ListedDeb): Promise<readonly string[]>
}

export interface ListedDeb {
  name: string
  digest: Digest
}

interface FileListOptions {
  store: BlobStore
  lease: LeaseId
  cache: PieceCache
  /** Where packages are unpacked for a moment. */
  folder: string
  signal: AbortSignal
}

/**
 * File lists of packages in the store: each .deb is unpacked once in its life, and its list kept as a blob. Throws what
 * reading a .deb does: APT_DEB_MALFORMED, DECOMPRESS_*, BLOB_MISSING, DISK_FULL, CANCELLED.
 */
export function createFileLists(options: FileListOptions): FileLists {
  const { store, cache } = options
  const blobs = new Map<Digest, Digest>()
  const blobOf = async (digest: Digest): Promise<Digest | undefined> => {
    const kept = blobs.get(digest) ?? (await cache.get(space, digest))?.value
    return typeof kept === 'string' && isDigest(kept) ? kept : undefined
  }
  const prepare = async (items: readonly ListedDeb[]): Promise<void> => {
    const missing: ListedDeb[] = []
    for (const item of items) {
      const blob = await blobOf(item.digest)
      if (blob !== undefined && (await store.has(blob))) blobs.set(item.digest, blob)
      else missing.push(item)
    }
    await unpackAll(missing, options, blobs)
  }
  return {
    prepare,
    async of(item) {
      const blob = await blobOf(item.digest)
      const held = blob && (await readIfThere(store, blob))
      if (held !== undefined) return linesOf(held)
      await prepare([item])
      return linesOf(await store.readWhole(blobs.get(item.digest)!))
    },
  }
}

const space = 'apt-file-lists'

/** Packed: what one process unpacks after another; larger packages are unpacked alone. A process costs 5 to 10 ms. */
const [fewestGroupBytes, mostGroupBytes] = [256 * 1024, 8 * 1024 * 1024]
const lanesAtMost = Math.max(2, availableParallelism())
/** So many groups for each lane, at least: the last ones are short. */
const groupsPerLane = 4

/** The largest first, so that no processor is left with the last of them alone. */
async function unpackAll(
  items: readonly ListedDeb[],
  options: FileListOptions,
  blobs: Map<Digest, Digest>,
): Promise<void> {
  const { store, lease, cache, folder, signal } = options
  const digests = new Map<DebSource, Digest>()
  for (const { name, digest } of items) digests.set(await debInStore(store, digest, name), digest)
  const groups = groupsOf([...digests.keys()].sort((a, b) => b.sizeBytes - a.sizeBytes))
  const onList = async (deb: DebSource, paths: string[]): Promise<void> => {
    const digest = digests.get(deb)!
    const blob = await store.write(lease, Buffer.from(paths.join('\n')))
    await cache.put(space, digest, { value: blob, blobs: [blob] })
    blobs.set(digest, blob)
  }
  const lane = async (): Promise<void> => {
    try {
      for (let group = groups.shift(); group !== undefined; group = groups.shift())
        await readFilesOfMany(group, { folder, signal, onList })
    } finally {
      // When this lane fails, the others end with what they have begun.
      groups.length = 0
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(groups.length, lanesAtMost) }, lane))
  for (const one of lanes) if (one.status === 'rejected') throw one.reason
}

function groupsOf(debs: readonly DebSource[]): DebSource[][] {
  const groups: DebSource[][] = []
  const allBytes = debs.reduce((sum, deb) => sum + deb.sizeBytes, 0)
  const shareBytes = allBytes / (lanesAtMost * groupsPerLane)
  const groupBytes = Math.min(mostGroupBytes, Math.max(fewestGroupBytes, shareBytes))
  let sizeBytes = Infinity
  for (const deb of debs) {
    if (sizeBytes + deb.sizeBytes > groupBytes) {
      groups.push([])
      sizeBytes = 0
    }
    groups.at(-1)!.push(deb)
    sizeBytes += deb.sizeBytes
  }
  return groups
}

async function readIfThere(store: BlobStore, digest: Digest): Promise<Buffer | undefined> {
  try {
    return await store.readWhole(digest)
  } catch (error) {
    if (isLarderError(error, 'BLOB_MISSING')) return undefined
    throw error
  }
}

function linesOf(bytes: Buffer): string[] {
  return bytes.length === 0 ? [] : bytes.toString().split('\n')
}
