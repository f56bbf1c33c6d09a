import { isDigest, type Digest, isLarderError } from '../../core/index.ts'
import type { BlobStore, LeaseId } from '../../store/index.ts'
import { debInStore, readDebFiles } from '../deb/index.ts'
import type { PieceCache } from '../../pieces/index.ts'

/** What packages install. */
export interface FileLists {
  /** Paths without a leading `/`, sorted by bytes. */
  of(item: { name: string; digest: Digest }): Promise<readonly string[]>
}

/**
 * File lists of packages in the store: each .deb is unpacked once in its life, and its list kept as a blob.
 * `of` throws what `readDebFiles` does.
 */
export function createFileLists(options: {
  store: BlobStore
  lease: LeaseId
  cache: PieceCache
  signal: AbortSignal
}): FileLists {
  const { store, lease, cache, signal } = options
  return {
    async of({ name, digest }) {
      const kept = (await cache.get(space, digest))?.value
      const held = typeof kept === 'string' && isDigest(kept) ? await readIfThere(store, kept) : undefined
      if (held !== undefined) return linesOf(held)
      const paths = await readDebFiles(await debInStore(store, digest, name), signal)
      const blob = await store.write(lease, Buffer.from(paths.join('\n')))
      await cache.put(space, digest, { value: blob, blobs: [blob] })
      return paths
    },
  }
}

const space = 'apt-file-lists'

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
