import type { Clock, Digest } from '../core/index.ts'
import type { Fetcher } from '../fetch/index.ts'
import {
  packagesOfTree,
  refuseUninstallable,
  type Format,
  type LoadedUpstream,
  type MirrorPackage,
  type Resolution,
} from '../mirror/index.ts'
import { readTree, type Snapshot } from '../publish/index.ts'
import type { Cache } from '../state/index.ts'
import type { BlobStore, Leases } from '../store/index.ts'
import { clientSetup } from './client-setup.ts'
import { closureRequestOf } from './closure-request.ts'
import { resolveClosure, type Closure } from './closure.ts'
import type { ClosureReasons } from './closure/reasons.ts'
import { ComposedMirror } from './composed-mirror.ts'
import { findSources, withSources, type FoundSource } from './find-sources.ts'
import { aptGrammar } from './grammar.ts'
import { composeMirror } from './compose-mirror.ts'
import { proveInstallable } from './installability.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'
import type { AptMirrorConfig } from './mirror-config.ts'
import { comparePackages, createAptSealer, PieceMemory, type RepositoryMeta } from './repository/index.ts'
import { ResolutionMemory, type Earlier } from './resolution-memory.ts'
import { ownPackages } from './own-packages.ts'
import { sharedPackages } from './shared-packages.ts'
import { stagePackages } from './stage-packages.ts'
import type { AptUpstreamConfig } from './upstream-config.ts'
import { createHost, type Host } from './upstream/index.ts'
import { createWarmUpstreams, tidyIndices } from './warm-upstreams.ts'
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

/** A resolution in its two parts. */
export interface AptResolution extends Resolution {
  /** `packages` without sources. */
  binaries: readonly MirrorPackage[]
  /** Rows of the universe that the binary packages stand for, in the same order. */
  rows: Uint32Array
  /** Why each row is there. */
  reasons: ClosureReasons
  /** All that was resolved, to be extended by what comes to the list. */
  closure: Closure
  /** Undefined when the mirror is to have none. */
  sources: readonly FoundSource[] | undefined
}

export interface AptFormat extends Format<AptUpstreamConfig, AptMirrorConfig, LoadedUpstreams, AptResolution> {
  clientSetup: typeof clientSetup
}

/** Repositories for apt, debootstrap and their kin. */
export function createAptFormat(options: AptFormatOptions): AptFormat {
  const { store, clock } = options
  const upstreams = createWarmUpstreams({ ...options, host: options.host ?? createHost() }, clock)
  const pieces = new PieceMemory()
  const resolutions = new ResolutionMemory()
  const snapshots = new Map<Digest, MirrorPackage[]>()
  const compositions = new Map<string, ComposedMirror>()
  return {
    ...aptGrammar,
    load: (context, request) => upstreams.load(context, request),
    tidy: () => tidyIndices(upstreams, options.cacheFolder, clock.now()),
    fingerprint: (loaded) => loaded.fingerprint,
    inspect: (loaded) => loaded.suites.map(inspectSuite),
    resolve: (loaded, request) => resolutions.resolve(loaded, request, (earlier) => resolve(loaded, request, earlier)),
    why: (loaded, request, name) =>
      why(loaded.universe, resolveClosure(loaded.universe, closureRequestOf(request)), { name }),
    stagePackages: (context, loaded, what) => stagePackages(options, { context, loaded, ...what }),
    readsPackages: ({ contents }, { binaries }) => contents || binaries.some(({ digest }) => digest === ''),
    async compose(context, loaded, { request, resolution, since, aside = false }) {
      const composed = (aside ? undefined : compositions.get(request.name)) ?? new ComposedMirror()
      if (!aside) remember(compositions, request.name, composed)
      const common = { ...options, context, loaded, request, resolution }
      const made = aside
        ? await composeMirror({ ...common, pieces: new PieceMemory(), composed, since: undefined, aside })
        : await composeMirror({ ...common, pieces, composed, since, aside })
      if (made.packages !== undefined) remember(snapshots, made.tree, made.packages)
      return made
    },
    async packagesOf(snapshot: Snapshot) {
      const known = snapshots.get(snapshot.tree)
      if (known !== undefined) return known
      const packages = await packagesOfTree(await readTree(store, snapshot.tree), store, comparePackages)
      remember(snapshots, snapshot.tree, packages)
      resolutions.hold(snapshot.mirror, packages)
      return packages
    },
    own: ownPackages,
    sealer: ({ meta }, key) => createAptSealer(meta as RepositoryMeta, key),
    keyKind: () => 'ed25519',
    exportOrder,
    clientSetup,
  }
}

function resolve(loaded: LoadedUpstreams, request: AptRequest, earlier: Earlier): AptResolution {
  const closure = resolveClosure(loaded.universe, closureRequestOf(request), earlier.inUniverse?.closure)
  refuseUninstallable(proveInstallable(loaded.universe, closure.worlds, earlier.inUniverse?.closure.worlds))
  const binaries = sharedPackages(loaded.universe, closure, earlier)
  const found = loaded.sources && findSources(loaded.universe, loaded.sources, closure.rows)
  const notes = [...loaded.notes, ...closure.notes, ...(found?.notes ?? [])]
  const sources = found?.sources
  const { rows, reasons } = closure
  return { packages: withSources(binaries, sources), binaries, rows, reasons, closure, sources, notes }
}

/** InRelease last: it is what clients look at first. */
function exportOrder(path: string): number {
  if (/(^|\/)InRelease$/.test(path)) return 2
  return /(^|\/)Release(\.gpg)?$/.test(path) ? 1 : 0
}

function inspectSuite({
  upstream,
  suite,
  baseUrls,
  release,
  notes,
}: LoadedUpstreams['suites'][number]): LoadedUpstream {
  return {
    upstream,
    part: `suite ${suite}`,
    addresses: baseUrls,
    madeAt: release.date,
    validUntil: release.validUntil,
    notes,
  }
}

/** Contents of so many snapshots stay in memory: the one before, the one now, the one to come, for some mirrors. */
const rememberedSnapshots = 8

function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > rememberedSnapshots && oldest !== undefined) map.delete(oldest)
}
