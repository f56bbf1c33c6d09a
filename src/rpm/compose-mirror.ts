import type { Digest } from '../core/index.ts'
import type { FormatContext, MirrorPackage } from '../mirror/index.ts'
import { armorKeyring } from '../openpgp/index.ts'
import type { PieceMemory } from '../pieces/index.ts'
import { writeTree } from '../publish/index.ts'
import type { AgreedPackages } from './agreed-packages.ts'
import { carryFiles } from './carry-files.ts'
import { checkStatements, type StatedPackage } from './check-statements.ts'
import type { RpmFormatOptions, RpmResolution } from './format.ts'
import type { HeaderMemory } from './header/index.ts'
import type { LoadedUpstreams, RpmRequest } from './loaded-upstreams.ts'
import {
  composeRepository,
  createPackageHeaders,
  type RepositoryMeta,
  type RepositoryPackage,
} from './repository/index.ts'
import type { Repository } from './upstream/index.ts'

export interface ComposeMirrorOptions extends Pick<RpmFormatOptions, 'store' | 'leases' | 'cache'> {
  pieces: PieceMemory
  /** Of packages that were verified a moment ago. */
  headers: HeaderMemory
  agreed: AgreedPackages
  context: FormatContext
  loaded: LoadedUpstreams
  request: RpmRequest
  resolution: RpmResolution
  /** See Format. */
  aside: boolean
}

/**
 * Metadata and tree of the snapshot that a resolution makes. Its packages are in the store. RPM_RICH_DEPENDENCY,
 * RPM_XML_MALFORMED, RPM_MALFORMED, RPM_HEADER_MISMATCH, DISK_FULL.
 */
export async function composeMirror(options: ComposeMirrorOptions): Promise<{ tree: Digest; meta: RepositoryMeta }> {
  const { store, leases, cache, pieces, context, loaded, request, resolution } = options
  const { mirror, name } = request
  const { lease, signal } = context
  const repositories = usedRepositories(loaded, resolution)
  const headers = createPackageHeaders(store, options.headers)
  const { universe } = loaded
  await checkStatements({ universe, headers, agreed: options.agreed, signal }, statedPackages(resolution))
  const { entries, meta } = await composeRepository({
    packages: resolution.packages.map((one, index) => repositoryPackage(loaded, one, resolution.rows[index]!)),
    headers,
    architectures: mirror.architectures.filter((one) => one !== 'noarch'),
    compatibility: mirror.compatibility,
    carried: await carryFiles({ store, signal, loaded, resolution }),
    gpgcheck: repositories.every(({ source }) => source.gpgcheck),
    vendorKeys: vendorKeysOf(repositories),
    store,
    lease,
    leases,
    cache,
    ...(options.aside ? { cacheKey: `${name} aside`, variantOf: name } : { cacheKey: name }),
    memory: pieces,
    signal,
  })
  const tree = await writeTree(store, lease, entries)
  return { tree: tree.digest, meta }
}

function statedPackages({ packages, rows }: RpmResolution): StatedPackage[] {
  return packages.map(({ name, version, architecture, digest, sizeBytes }, index) => ({
    row: rows[index]!,
    item: { digest: digest as Digest, sizeBytes, label: `${name}-${version}.${architecture}` },
  }))
}

/** In the order of preference; those that no package came from left out. */
function usedRepositories(
  { universe, repositoryOf, repositories }: LoadedUpstreams,
  { rows }: RpmResolution,
): Repository[] {
  const used = new Set(Array.from(rows, (row) => repositoryOf.get(universe.member(row))))
  return repositories.filter((repository) => used.has(repository))
}

function vendorKeysOf(repositories: readonly Repository[]): Map<string, Buffer> {
  return new Map(
    repositories.flatMap(({ upstream, source: { keyring } }): [string, Buffer][] => {
      if (keyring === undefined) return []
      return [[upstream, Buffer.from(armorKeyring(keyring))]]
    }),
  )
}

function repositoryPackage({ universe }: LoadedUpstreams, one: MirrorPackage, row: number): RepositoryPackage {
  const { name, architecture, sizeBytes, upstream, reason } = one
  const { checksum } = universe.packageOf(row)
  return {
    name,
    evr: universe.evr(row),
    architecture,
    sizeBytes,
    digest: one.digest as Digest,
    primary: { checksum, identity: universe.identity(row), fragment: () => universe.fragment(row) },
    upstream,
    reason,
  }
}
