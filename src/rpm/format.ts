import { digestFromHex, readIfThere, type Clock, type Digest } from '../core/index.ts'
import type { Fetcher } from '../fetch/index.ts'
import {
  packagesOfTree,
  refuseUninstallable,
  type Format,
  type LoadedUpstream,
  type MirrorPackage,
  type Resolution,
} from '../mirror/index.ts'
import { PieceMemory } from '../pieces/index.ts'
import { readTree, type Snapshot } from '../publish/index.ts'
import type { Cache } from '../state/index.ts'
import type { BlobStore, Leases } from '../store/index.ts'
import { AgreedPackages } from './agreed-packages.ts'
import { clientSetup } from './client-setup.ts'
import { resolveClosure, type Closure } from './closure.ts'
import { completeFiles } from './complete-files.ts'
import { composeMirror } from './compose-mirror.ts'
import { rpmGrammar } from './grammar.ts'
import { HeaderMemory } from './header/index.ts'
import { proveInstallable } from './installability.ts'
import type { LoadedUpstreams, RpmRequest } from './loaded-upstreams.ts'
import type { RpmMirrorConfig } from './mirror-config.ts'
import { refuseRichDependencies } from './refuse-rich-dependencies.ts'
import { refuseStrayModules } from './refuse-stray-modules.ts'
import { createRpmSealer, type RepositoryMeta } from './repository/index.ts'
import { ownPackages } from './own-packages.ts'
import { ResolutionMemory } from './resolution-memory.ts'
import { stagePackages } from './stage-packages.ts'
import type { RpmUpstreamConfig } from './upstream-config.ts'
import { LearnedDigests, nameOf, VerifiedPackages, type Repository } from './upstream/index.ts'
import { createWarmUpstreams, tidyIndices } from './warm-upstreams.ts'
import { why } from './why.ts'

export interface RpmFormatOptions {
  store: BlobStore
  leases: Leases
  fetcher: Fetcher
  cache: Cache
  clock: Clock
  /** Compiled indices; may be emptied while nothing runs. */
  cacheFolder: string
  /** Keys by absolute path. Default: files of this machine. */
  readHostFile?: (path: string) => Promise<Buffer | undefined>
}

/** A resolution, and where it is in the universe. */
export interface RpmResolution extends Resolution {
  /** Rows of the universe that the packages stand for, in the same order. */
  rows: Uint32Array
}

export interface RpmFormat extends Format<RpmUpstreamConfig, RpmMirrorConfig, LoadedUpstreams, RpmResolution> {
  clientSetup: typeof clientSetup
}

/** Repositories for dnf, yum and their kin. */
export function createRpmFormat(options: RpmFormatOptions): RpmFormat {
  const { store, clock, cache, cacheFolder, readHostFile = readIfThere } = options
  const learned = new LearnedDigests(cache)
  const verified = new VerifiedPackages(cache)
  const agreed = new AgreedPackages(cache)
  const loader = { ...options, learned, readHostFile }
  const upstreams = createWarmUpstreams(loader, clock)
  const pieces = new PieceMemory()
  const headers = new HeaderMemory()
  const resolutions = new ResolutionMemory()
  const snapshots = new Map<Digest, MirrorPackage[]>()
  const resolve = (loaded: LoadedUpstreams, request: RpmRequest): RpmResolution =>
    resolutions.resolve(loaded, request, () => resolveNow(loaded, request, learned))
  return {
    ...rpmGrammar,
    async load(context, request) {
      const loaded = await upstreams.load(context, request)
      await completeFiles(loader, context, { loaded, resolve: () => resolve(loaded, request) })
      return loaded
    },
    tidy: () => tidyIndices(upstreams, cacheFolder, clock.now()),
    fingerprint: (loaded) => loaded.fingerprint,
    inspect: (loaded) => loaded.repositories.map(inspectRepository),
    resolve,
    why: (loaded, request, name) => why(loaded.universe, closureOf(loaded, request), { name }),
    stagePackages: (context, loaded, what) =>
      stagePackages({ ...options, verified, learned, headers }, { context, loaded, ...what }),
    async compose(context, loaded, { request, resolution, aside = false }) {
      const memory = aside ? new PieceMemory() : pieces
      const mirror = { context, loaded, request, resolution, aside }
      try {
        return await composeMirror({ ...options, pieces: memory, headers, agreed, ...mirror })
      } finally {
        headers.clear()
      }
    },
    async packagesOf(snapshot: Snapshot) {
      const known = snapshots.get(snapshot.tree)
      if (known !== undefined) return known
      const packages = await packagesOfTree(await readTree(store, snapshot.tree), store)
      remember(snapshots, snapshot.tree, packages)
      return packages
    },
    own: ownPackages,
    sealer: ({ meta }, key) => createRpmSealer(meta as RepositoryMeta, key),
    // Signatures of packages are read by rpm itself, which learned Ed25519 later than GnuPG did.
    keyKind: ({ compatibility, signOwn }) => (compatibility === 'yum3' || signOwn ? 'rsa' : 'ed25519'),
    exportOrder,
    clientSetup,
  }
}

function resolveNow(loaded: LoadedUpstreams, request: RpmRequest, learned: LearnedDigests): RpmResolution {
  const closure = closureOf(loaded, request)
  refuseUninstallable(proveInstallable(loaded.universe, closure.rows))
  refuseStrayModules(loaded, closure.rows)
  if (request.mirror.compatibility === 'yum3') refuseRichDependencies(loaded.universe, closure.rows)
  const packages = Array.from(closure.rows, (row) => packageOf(loaded, { closure, row, learned }))
  return { packages, rows: closure.rows, notes: [...loaded.notes, ...closure.notes] }
}

function closureOf({ universe, modules }: LoadedUpstreams, { list, mirror }: RpmRequest): Closure {
  const { recommends, exclude } = mirror as RpmMirrorConfig & { recommends?: boolean; exclude?: string[] }
  return resolveClosure(universe, {
    listed: list,
    recommends: recommends ?? false,
    exclude: exclude ?? [],
    versions: mirror.versions,
    ...(modules && { modules: modules.metadata }),
    streams: mirror.modules,
  })
}

function packageOf(
  { universe }: LoadedUpstreams,
  { closure, row, learned }: { closure: Closure; row: number; learned: LearnedDigests },
): MirrorPackage {
  const { name, version, architecture, sizeBytes, location, checksum, upstream } = universe.packageOf(row)
  const digest = checksum.type === 'sha256' ? digestFromHex(checksum.hex) : (learned.get(nameOf(checksum)) ?? '')
  return { name, version, architecture, sizeBytes, path: location, digest, upstream, reason: closure.reason(row) }
}

/** repomd.xml last: it is what clients look at first. */
function exportOrder(path: string): number {
  if (path.endsWith('repodata/repomd.xml')) return 2
  return /(^|\/)repodata\/repomd\.xml\.(asc|key)$/.test(path) ? 1 : 0
}

function inspectRepository({ upstream, repomd, baseUrls, madeAt, notes }: Repository): LoadedUpstream {
  return {
    upstream,
    part: `revision ${repomd.revision}`,
    addresses: baseUrls,
    madeAt,
    validUntil: undefined,
    notes,
  }
}

/** Contents of so many snapshots stay in memory: the one before, the one now, the one to come, for some mirrors. */
const rememberedSnapshots = 8

function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > rememberedSnapshots && oldest !== undefined) map.delete(oldest)
}
