import { digestFromHex, type Digest } from '../core/index.ts'
import type { FormatContext, MirrorPackage } from '../mirror/index.ts'
import { writeTree } from '../publish/index.ts'
import type { FoundSource } from './find-sources.ts'
import type { AptFormatOptions, AptResolution } from './format.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'
import {
  composeRepository,
  createFileLists,
  type PieceMemory,
  type RepositoryMeta,
  type RepositoryPackage,
  type RepositorySource,
} from './repository/index.ts'

export interface ComposeMirrorOptions extends Pick<AptFormatOptions, 'store' | 'leases' | 'cache'> {
  pieces: PieceMemory
  context: FormatContext
  loaded: LoadedUpstreams
  request: AptRequest
  resolution: AptResolution
}

/** Index files and tree of the snapshot that a resolution makes. Its packages are in the store. DISK_FULL. */
export async function composeMirror(options: ComposeMirrorOptions): Promise<{ tree: Digest; meta: RepositoryMeta }> {
  const { store, leases, cache, pieces, context, loaded, request, resolution } = options
  const { mirror, name } = request
  const { lease, signal } = context
  const { entries, meta } = await composeRepository({
    suite: mirror.suite,
    codename: mirror.codename ?? mirror.suite,
    origin: 'Larder',
    label: mirror.label ?? name,
    components: mirror.components,
    architectures: mirror.architectures.filter((one) => one !== 'all'),
    packages: resolution.binaries.map((one, index) => repositoryPackage(loaded, one, resolution.rows[index]!)),
    ...(resolution.sources && { sources: resolution.sources.map(repositorySource) }),
    translations: await loaded.translations(context),
    store,
    lease,
    leases,
    cache,
    cacheKey: name,
    memory: pieces,
    ...(mirror.contents ? { contents: createFileLists({ store, lease, cache, signal }) } : {}),
    signal,
  })
  const tree = await writeTree(store, lease, entries)
  return { tree: tree.digest, meta }
}

function repositoryPackage({ universe }: LoadedUpstreams, one: MirrorPackage, row: number): RepositoryPackage {
  const { filename, component, source } = universe.packageOf(row)
  return {
    ...one,
    digest: one.digest as Digest,
    component,
    sourceName: source.name,
    filename,
    identity: universe.identity(row),
    stanza: () => universe.stanza(row),
  }
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
