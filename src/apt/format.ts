import type { Clock, Digest } from '../core/index.ts'
import { digestFromHex } from '../core/index.ts'
import type { Fetcher } from '../fetch/index.ts'
import type { Format, FormatContext, MirrorPackage, Resolution } from '../mirror/index.ts'
import { readTree, writeTree, type Snapshot } from '../publish/index.ts'
import type { Cache } from '../state/index.ts'
import type { BlobStore, Leases } from '../store/index.ts'
import { clientSetup } from './client-setup.ts'
import { resolveClosure, type Closure } from './closure.ts'
import { aptGrammar } from './grammar.ts'
import { loadUpstreams, type AptRequest, type LoadedUpstreams } from './loaded-upstreams.ts'
import type { AptMirrorConfig } from './mirror-config.ts'
import { refuseUninstallable } from './refuse-uninstallable.ts'
import { composeRepository, createAptSealer, packagesOfTree, PieceMemory, type RepositoryMeta, type RepositoryPackage } from './repository/index.ts'
import { stagePackages } from './stage-packages.ts'
import type { AptUpstreamConfig } from './upstream-config.ts'
import { createHost, type Host } from './upstream/index.ts'
import { why } from './why.ts'

export interface AptFormatOptions {
  store: BlobStore
  leases: Leases
  fetcher: Fetcher
  cache: Cache
  clock: Clock
  /** Compiled indices; may be emptied while nothing runs. */
  cacheFolder: string
  /** Default: this machine. */
  host?: Host
}

/** A resolution with the rows of the universe that it stands for, in the same order as the packages. */
export interface AptResolution extends Resolution {
  rows: Uint32Array
}

export type AptFormat = Format<AptUpstreamConfig, AptMirrorConfig, LoadedUpstreams, AptResolution>

/** Repositories for apt, debootstrap and their kin. */
export function createAptFormat(options: AptFormatOptions): AptFormat {
  const { store, clock } = options
  const loader = { ...options, host: options.host ?? createHost() }
  const memory = new PieceMemory()
  const warm = new Map<string, { at: number; settings: string; loaded: LoadedUpstreams }>()
  const snapshotPackages = new Map<Digest, MirrorPackage[]>()

  const load = async (context: FormatContext, request: AptRequest): Promise<LoadedUpstreams> => {
    const settings = JSON.stringify([request.upstreams, { ...request.mirror, packages: undefined }])
    const known = warm.get(request.name)
    const usable = known?.settings === settings ? known : undefined
    if (usable !== undefined && clock.monotonicMs() - usable.at < context.freshForMs) return usable.loaded
    const loaded = await loadUpstreams(loader, context, request, usable?.loaded)
    warm.set(request.name, { at: clock.monotonicMs(), settings, loaded })
    return loaded
  }

  return {
    ...aptGrammar,
    load,
    fingerprint: (loaded) => loaded.fingerprint,
    resolve(loaded, request) {
      const closure = closureOf(loaded, request)
      refuseUninstallable(loaded.universe, closure)
      const packages = Array.from(closure.rows, (row) => packageOf(loaded, closure, row))
      return { packages, rows: closure.rows, notes: [...loaded.notes, ...closure.notes] }
    },
    why: (loaded, request, name) => why(loaded.universe, closureOf(loaded, request), { name }),
    stagePackages: (context, loaded, { resolution, held }) => stagePackages(options, context, { loaded, resolution, held }),
    async compose(context, loaded, { request, resolution }) {
      const { mirror, name } = request
      const { entries, meta } = await composeRepository({
        suite: mirror.suite,
        codename: mirror.codename ?? mirror.suite,
        origin: 'Larder',
        label: mirror.label ?? name,
        components: mirror.components,
        architectures: mirror.architectures.filter((one) => one !== 'all'),
        packages: resolution.packages.map((one, index) => repositoryPackage(loaded, one, resolution.rows[index]!)),
        translations: loaded.translations,
        store,
        lease: context.lease,
        leases: options.leases,
        cache: options.cache,
        cacheKey: name,
        memory,
        signal: context.signal,
      })
      const tree = await writeTree(store, context.lease, entries)
      return { tree: tree.digest, meta }
    },
    async packagesOf(snapshot: Snapshot) {
      const known = snapshotPackages.get(snapshot.tree)
      if (known !== undefined) return known
      const packages = await packagesOfTree(await readTree(store, snapshot.tree), store)
      remember(snapshotPackages, snapshot.tree, packages)
      return packages
    },
    sealer: ({ meta }, key) => createAptSealer(meta as RepositoryMeta, key),
    exportOrder: (path) => (/(^|\/)InRelease$/.test(path) ? 2 : /(^|\/)Release(\.gpg)?$/.test(path) ? 1 : 0),
    clientSetup,
  }
}

/** Contents of so many snapshots stay in memory: the one before, the one now, the one to come, for some mirrors. */
const rememberedSnapshots = 8

function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > rememberedSnapshots && oldest !== undefined) map.delete(oldest)
}

function closureOf({ universe }: LoadedUpstreams, { list, mirror }: AptRequest): Closure {
  const { recommends, exclude } = mirror as AptMirrorConfig & { recommends?: boolean; exclude?: string[] }
  return resolveClosure(universe, { listed: list, base: mirror.base, recommends: recommends ?? false, exclude: exclude ?? [] })
}

function packageOf({ universe }: LoadedUpstreams, closure: Closure, row: number): MirrorPackage {
  const { name, version, architecture, sizeBytes, filename, sha256, upstream } = universe.packageOf(row)
  const digest = sha256 === undefined ? '' : digestFromHex(sha256)
  return { name, version, architecture, sizeBytes, path: filename, digest, upstream, reason: closure.reason(row) }
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
