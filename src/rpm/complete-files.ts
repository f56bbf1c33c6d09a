import { isLarderError } from '../core/index.ts'
import type { FormatContext } from '../mirror/index.ts'
import { findOwners } from './filelists.ts'

import { repositoryLoader, type LoadedUpstreams, type UpstreamLoader } from './loaded-upstreams.ts'
import { loadFilelists, openDataFile, type Repository } from './upstream/index.ts'

/** What the packages of one round have may ask for further files; more rounds than that are a circle. */
const maxRounds = 8

/**
 * Works out the closure (`resolve`) until every file that it asks for is known, so that working it out again needs
 * nothing more. filelists.xml is fetched for that, and only then: it is the largest of all data files. What `resolve`
 * throws is not told here: it will be thrown again. RPM_*, FETCH_*, DIGEST_MISMATCH, SIZE_MISMATCH, CANCELLED.
 */
export async function completeFiles(
  loader: UpstreamLoader,
  context: FormatContext,
  { loaded, resolve }: { loaded: LoadedUpstreams; resolve: () => unknown },
): Promise<void> {
  for (let round = 1; round <= maxRounds; round++) {
    try {
      resolve()
    } catch (error) {
      if (!isLarderError(error)) throw error
    }
    const missing = loaded.universe.missingFiles()
    if (missing.size === 0) return
    const owners = await ownersOf(loader, context, { repositories: loaded.repositories, paths: missing })
    loaded.universe = loaded.universe.withFileOwners(owners)
  }
}

async function ownersOf(
  loader: UpstreamLoader,
  context: FormatContext,
  { repositories, paths }: { repositories: readonly Repository[]; paths: ReadonlySet<string> },
): Promise<Map<string, string[]>> {
  const owners = new Map<string, string[]>([...paths].map((path) => [path, []]))
  for (const repository of repositories) {
    const file = await loadFilelists(repositoryLoader(loader, context), repository)
    if (file === undefined) continue
    const found = await findOwners(openDataFile(loader.store, file, context.signal), paths)
    for (const [path, checksums] of found) owners.get(path)?.push(...checksums)
  }
  return owners
}
