import type { Digest } from '../../core/index.ts'
import type { BlobStore } from '../../store/index.ts'
import { readRpm, rpmInStore, toPackage } from '../header/index.ts'
import type { RpmPackage } from '../rpm-package.ts'

/** What the headers of packages say. */
export interface PackageHeaders {
  of(item: { digest: Digest; label: string }): Promise<RpmPackage>
}

/**
 * Headers of packages in the store. The last thousand are remembered: the three indices ask for the packages of a
 * chunk one after the other. Nothing is kept longer than that: a header is read again in less time than a cache of
 * them. `of` throws RPM_MALFORMED, BLOB_MISSING.
 */
export function createPackageHeaders(store: BlobStore): PackageHeaders {
  const remembered = new Map<Digest, Promise<RpmPackage>>()
  return {
    of({ digest, label }) {
      const known = remembered.get(digest)
      if (known !== undefined) return known
      const read = readHeader(store, digest, label)
      remembered.set(digest, read)
      const [oldest] = remembered.keys()
      if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest)
      return read
    },
  }
}

/** Twice what the largest chunk holds. */
const mostRemembered = 1024

async function readHeader(store: BlobStore, digest: Digest, label: string): Promise<RpmPackage> {
  return toPackage(await readRpm(await rpmInStore(store, digest, label)))
}
