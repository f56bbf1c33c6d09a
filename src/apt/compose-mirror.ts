import { digestFromHex, type Digest } from '../core/index.ts'
import type { FormatContext, MirrorPackage } from '../mirror/index.ts'
import type { FoundSource } from './find-sources.ts'
import type { ComposedMirror } from './composed-mirror.ts'
import type { AptFormatOptions, AptResolution } from './format.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'
import { RowPackage } from './row-package.ts'
import {
  composeRepository,
  createFileLists,
  type PieceMemory,
  type RepositoryMeta,
  type RepositoryParts,
  type RepositorySource,
} from './repository/index.ts'

export interface ComposeMirrorOptions extends Pick<AptFormatOptions, 'store' | 'leases' | 'cache' | 'cacheFolder'> {
  pieces: PieceMemory
  context: FormatContext
  loaded: LoadedUpstreams
  request: AptRequest
  resolution: AptResolution
  /** Of this mirror. */
  composed: ComposedMirror
  /** Tree of a snapshot of the mirror that stays until this is done. Undefined: nothing is known to be in the store. */
  since: Digest | undefined
  /** See Format. */
  aside: boolean
}

/** What a mirror has come to be. */
export interface Composed {
  tree: Digest
  meta: RepositoryMeta
  /** As its manifest says; undefined where that must be read. */
  packages: MirrorPackage[] | undefined
}

/** Index files and tree of the snapshot that a resolution makes. Its packages are in the store. DISK_FULL. */
export async function composeMirror(options: ComposeMirrorOptions): Promise<Composed> {
  const { store, leases, cache, pieces, context, loaded, request, resolution, composed } = options
  const { mirror, name } = request
  const { lease, signal } = context
  const isKept = composed.isOf(options.since)
  const parts = await composeRepository({
    suite: mirror.suite,
    codename: mirror.codename ?? mirror.suite,
    origin: 'Larder',
    label: mirror.label ?? name,
    components: mirror.components,
    architectures: mirror.architectures.filter((one) => one !== 'all'),
    packages: composed.packages(loaded.universe, resolution),
    before: composed.before,
    ...(resolution.sources && { sources: resolution.sources.map(repositorySource) }),
    translations: await loaded.translations(context),
    store,
    lease,
    leases,
    isKept,
    cache,
    ...(options.aside ? { cacheKey: `${name} aside`, variantOf: name } : { cacheKey: name }),
    memory: pieces,
    ...(mirror.contents
      ? { contents: createFileLists({ store, lease, cache, folder: options.cacheFolder, signal }) }
      : {}),
    signal,
  })
  const tree = await composed.writeTree(store, lease, parts, isKept)
  return {
    tree: tree.digest,
    meta: parts.meta,
    packages: resolution.sources === undefined ? packagesOf(parts) : undefined,
  }
}

/** The objects of the resolution wherever the path is the upstream's. */
function packagesOf({ packages }: RepositoryParts): MirrorPackage[] {
  return packages.map(({ source, path }) => {
    if (!(source instanceof RowPackage)) throw new Error('a package was composed that is not of the resolution')
    const one = source.package
    return one.path === path ? one : { ...one, path }
  })
}

function repositorySource({ package: { upstream, reason }, from }: FoundSource): RepositorySource {
  const { name, version, component, directory, identity } = from
  const files = from.files.map((file) => ({
    name: file.name,
    sizeBytes: file.sizeBytes,
    digest: digestFromHex(file.sha256),
  }))
  return { name, version, component, directory, files, identity, stanza: () => from.stanza(), upstream, reason }
}
