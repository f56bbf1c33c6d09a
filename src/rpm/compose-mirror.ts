import type { Digest } from '../core/index.ts'
import type { FormatContext, MirrorPackage } from '../mirror/index.ts'
import type { PieceMemory } from '../pieces/index.ts'
import { writeTree } from '../publish/index.ts'
import { carryFiles } from './carry-files.ts'
import type { RpmFormatOptions, RpmResolution } from './format.ts'
import type { LoadedUpstreams, RpmRequest } from './loaded-upstreams.ts'
import {
  composeRepository,
  createPackageHeaders,
  type RepositoryMeta,
  type RepositoryPackage,
} from './repository/index.ts'

export interface ComposeMirrorOptions extends Pick<RpmFormatOptions, 'store' | 'leases' | 'cache'> {
  pieces: PieceMemory
  context: FormatContext
  loaded: LoadedUpstreams
  request: RpmRequest
  resolution: RpmResolution
}

/** Metadata and tree of the snapshot that a resolution makes. Its packages are in the store. DISK_FULL, RPM_*. */
export async function composeMirror(options: ComposeMirrorOptions): Promise<{ tree: Digest; meta: RepositoryMeta }> {
  const { store, leases, cache, pieces, context, loaded, request, resolution } = options
  const { lease, signal } = context
  const { architectures, compatibility } = request.mirror
  const packages = resolution.packages.map((one, index) => repositoryPackage(loaded, one, resolution.rows[index]!))
  const { entries, meta } = await composeRepository({
    packages,
    headers: createPackageHeaders(store),
    architectures: architectures.filter((one) => one !== 'noarch'),
    compatibility,
    carried: await carryFiles({ store, signal, loaded, resolution }),
    gpgcheck: sourcesOf(loaded, resolution).every(({ gpgcheck }) => gpgcheck),
    vendorKeys: vendorKeysOf(loaded, resolution),
    store,
    lease,
    leases,
    cache,
    cacheKey: request.name,
    memory: pieces,
    signal,
  })
  const tree = await writeTree(store, lease, entries)
  return { tree: tree.digest, meta }
}

function repositoryPackage(loaded: LoadedUpstreams, one: MirrorPackage, row: number): RepositoryPackage {
  const { universe, origins } = loaded
  const { checksum } = universe.packageOf(row)
  const { index } = origins.get(universe.member(row))!
  return {
    name: one.name,
    evr: universe.evr(row),
    architecture: one.architecture,
    digest: one.digest as Digest,
    sizeBytes: one.sizeBytes,
    primary: {
      checksum,
      identity: universe.identity(row),
      fragment: () => universe.fragment(row),
      namespaces: new Map(Object.entries(index.namespaces)),
    },
    upstream: one.upstream,
    reason: one.reason,
  }
}

/** Of the upstreams whose packages are taken. */
function sourcesOf({ repositories }: LoadedUpstreams, { packages }: RpmResolution) {
  const used = new Set(packages.map(({ upstream }) => upstream))
  return repositories.filter(({ upstream }) => used.has(upstream)).map(({ source }) => source)
}

function vendorKeysOf(loaded: LoadedUpstreams, resolution: RpmResolution): Map<string, Buffer> {
  return new Map(
    sourcesOf(loaded, resolution).flatMap(({ upstream, gpgcheck, keyring }) => {
      if (!gpgcheck || keyring === undefined) return []
      const armored = keyring.keys.map((key) => key.armor().replaceAll('\r\n', '\n'))
      return [[upstream, Buffer.from(armored.join(''))] as const]
    }),
  )
}
