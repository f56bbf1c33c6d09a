import type { Digest } from '../../core/index.ts'
import { readRpm, rpmInStore, toPackage, type HeaderMemory, type RpmStore } from '../header/index.ts'
import type { RpmPackage } from '../rpm-package.ts'

/** What the headers of packages say. */
export interface PackageHeaders {
  of(item: { digest: Digest; sizeBytes: number; label: string }): Promise<RpmPackage>
}

/** Headers of packages in the store, unless `known` has them. `of` throws RPM_MALFORMED, BLOB_MISSING. */
export function createPackageHeaders(store: RpmStore, known?: Pick<HeaderMemory, 'get'>): PackageHeaders {
  return rememberHeaders(
    async ({ digest, label }) => known?.get(digest) ?? toPackage(await readRpm(await rpmInStore(store, digest, label))),
  )
}

/**
 * The last thousand headers are remembered: the three indices ask for the packages of a chunk one after the other.
 * Nothing is kept longer than that: a header is read again in less time than a cache of them.
 */
function rememberHeaders(read: PackageHeaders['of']): PackageHeaders {
  const remembered = new Map<Digest, Promise<RpmPackage>>()
  return {
    of(item) {
      const known = remembered.get(item.digest)
      if (known !== undefined) return known
      const reading = read(item)
      remembered.set(item.digest, reading)
      const [oldest] = remembered.keys()
      if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest)
      return reading
    },
  }
}

/** Twice what the largest chunk holds. */
const mostRemembered = 1024
