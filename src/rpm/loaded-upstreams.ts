import { digestOf, hexOf } from '../core/index.ts'
import type { Fetcher } from '../fetch/index.ts'
import type { FormatContext, MirrorRequest } from '../mirror/index.ts'
import { fingerprintOf as keyFingerprint } from '../openpgp/index.ts'
import type { Cache } from '../state/index.ts'
import type { BlobStore } from '../store/index.ts'
import { openPrimary } from './compile-primary.ts'
import type { RpmMirrorConfig } from './mirror-config.ts'
import { loadModules, type LoadedModules } from './load-modules.ts'
import type { PackageIndex } from './package-index.ts'
import { Universe, type UniverseMember } from './universe.ts'
import type { RpmUpstreamConfig } from './upstream-config.ts'
import {
  createRepositoryMemory,
  findRepository,
  loadRepository,
  openDataFile,
  type LearnedDigests,
  type Repository,
  type RepositoryLoader,
} from './upstream/index.ts'

/** Everything that the upstreams of one mirror offer, verified and in memory. */
export interface LoadedUpstreams {
  /** Equal when nothing changed upstream. */
  fingerprint: string
  /** In the order of preference. */
  repositories: readonly Repository[]
  /** Gives way to one that knows more files, when something asks for a file that primary.xml does not list. */
  universe: Universe
  /** Which repository a member of the universe came from. */
  repositoryOf: ReadonlyMap<UniverseMember, Repository>
  modules: LoadedModules | undefined
  /** Names of what is compiled in the cache folder. */
  cacheKeys: readonly string[]
  /** What is odd about primary.xml. */
  indexNotes: readonly string[]
  /** That, and what is odd about the repositories. */
  notes: readonly string[]
}

export interface UpstreamLoader {
  fetcher: Fetcher
  store: BlobStore
  cache: Cache
  cacheFolder: string
  learned: LearnedDigests
  readHostFile: (path: string) => Promise<Buffer | undefined>
}

export type RpmRequest = MirrorRequest<RpmUpstreamConfig, RpmMirrorConfig>

/**
 * Asks every upstream for news and loads what they offer. When nothing changed, `earlier` is answered. RPM_*,
 * SIGNATURE_*, FETCH_*, DIGEST_MISMATCH, DISK_FULL, CANCELLED.
 */
export async function loadUpstreams(
  loader: UpstreamLoader,
  context: FormatContext,
  request: RpmRequest,
  earlier: LoadedUpstreams | undefined,
): Promise<LoadedUpstreams> {
  const repositories = await loadRepositories(loader, context, request)
  const fingerprint = fingerprintOf(repositories)
  const notes = repositories.flatMap((repository) => repository.notes)
  if (earlier?.fingerprint === fingerprint) {
    const { members } = earlier.universe
    const repositoryOf = new Map(members.map((member) => [member, repositories[member.rank]!] as const))
    return { ...earlier, repositories, repositoryOf, notes: [...notes, ...earlier.indexNotes] }
  }
  const repositoryOf = new Map<UniverseMember, Repository>()
  const indexNotes: string[] = []
  for (const [rank, repository] of repositories.entries()) {
    const index = await openIndex(loader, context, repository)
    if (index.rowCount > 0) await loader.learned.prepare(index.checksum(0).type)
    indexNotes.push(...notesOf(index))
    repositoryOf.set({ index, upstream: repository.upstream, rank }, repository)
  }
  return {
    fingerprint,
    repositories,
    universe: new Universe([...repositoryOf.keys()], request.mirror.architectures),
    repositoryOf,
    modules: await loadModules(loader, context, repositories),
    cacheKeys: repositories.map(cacheKeyOf),
    indexNotes,
    notes: [...notes, ...indexNotes],
  }
}

/** What the parts of an upstream are loaded with. */
export function repositoryLoader(loader: UpstreamLoader, context: FormatContext): RepositoryLoader {
  const { fetcher, store, cache } = loader
  const { progress, signal, lease, now } = context
  return { fetcher, store, memory: createRepositoryMemory(cache), progress, signal, lease, now }
}

async function loadRepositories(
  loader: UpstreamLoader,
  context: FormatContext,
  { upstreams, files }: RpmRequest,
): Promise<Repository[]> {
  const { readHostFile } = loader
  const sources = await Promise.all(upstreams.map((upstream) => findRepository({ upstream, files, readHostFile })))
  return Promise.all(sources.map((source) => loadRepository(repositoryLoader(loader, context), source)))
}

/** What is held, and what it is held to: other keys decide what may be published. */
function fingerprintOf(repositories: readonly Repository[]): string {
  const parts = repositories.map(({ upstream, source, files }) => [
    upstream,
    source.gpgcheck,
    source.keyring?.keys.map(keyFingerprint).sort(),
    [...files].map(([type, { digest }]) => [type, digest]),
  ])
  return digestOf(JSON.stringify(parts))
}

function notesOf({ label, notes, excludedCount, excluded: [first] }: PackageIndex): string[] {
  if (first === undefined) return [...notes]
  const count = `${excludedCount} package${excludedCount === 1 ? '' : 's'}`
  return [...notes, `${label}: ${count} cannot be used: ${first.package} at byte ${first.byte}, ${first.reason}`]
}

function cacheKeyOf(repository: Repository): string {
  return hexOf(repository.files.get('primary')!.digest)
}

function openIndex(
  { store, cacheFolder }: UpstreamLoader,
  { signal }: FormatContext,
  repository: Repository,
): Promise<PackageIndex> {
  const primary = repository.files.get('primary')!
  const read = (): AsyncIterable<Buffer> => openDataFile(store, primary, signal)
  return openPrimary(read, {
    folder: cacheFolder,
    key: cacheKeyOf(repository),
    label: `upstream ${repository.upstream}`,
  })
}
