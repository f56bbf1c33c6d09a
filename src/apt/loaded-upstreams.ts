import { digestOf, isLarderError } from '../core/index.ts'
import type { Cache } from '../state/index.ts'
import type { FormatContext, MirrorRequest } from '../mirror/index.ts'
import type { Fetcher } from '../fetch/index.ts'
import type { BlobStore } from '../store/index.ts'
import { isOfPackages, openCompiledIndex } from './compiled-indices.ts'
import type { AptMirrorConfig } from './mirror-config.ts'
import { SourceCatalogue, type SourceMember } from './source-catalogue.ts'
import { beginTranslations, type LazyTranslations } from './lazy-translations.ts'
import { asUnknownPart, refuseUnknownParts } from './unknown-part.ts'
import { Universe, type UniverseMember } from './universe.ts'
import type { AptUpstreamConfig } from './upstream-config.ts'
import { createUpstreamMemory, findSuites, loadSuite, type Host, type Suite } from './upstream/index.ts'

/** Everything that the upstreams of one mirror offer, verified and in memory. */
export interface LoadedUpstreams {
  /** Equal when nothing changed upstream. */
  fingerprint: string
  suites: readonly Suite[]
  universe: Universe
  /** Undefined unless the mirror asks for sources. */
  sources: SourceCatalogue | undefined
  /** Which suite a member of the universe came from. */
  suiteOf: ReadonlyMap<UniverseMember, Suite>
  translations: LazyTranslations
  notes: readonly string[]
}

export interface UpstreamLoader {
  fetcher: Fetcher
  store: BlobStore
  cache: Cache
  cacheFolder: string
  host: Host
}

export type AptRequest = MirrorRequest<AptUpstreamConfig, AptMirrorConfig>

/**
 * Asks every suite of every upstream for news and loads what they offer. When nothing changed, `earlier` is answered.
 * APT_*, FETCH_*, DIGEST_MISMATCH, DISK_FULL, CANCELLED.
 */
export async function loadUpstreams(
  loader: UpstreamLoader,
  context: FormatContext,
  request: AptRequest,
  earlier: LoadedUpstreams | undefined,
): Promise<LoadedUpstreams> {
  const suites = await loadSuites(loader, context, request)
  const fingerprint = fingerprintOf(suites)
  if (earlier?.fingerprint === fingerprint && !earlier.universe.members.some(({ index }) => index.isDamaged))
    return { ...earlier, suites, suiteOf: suiteOfMembers(earlier.universe, suites) }
  return { ...(await openSuites(loader, context, request, suites)), fingerprint }
}

async function openSuites(
  loader: UpstreamLoader,
  context: FormatContext,
  request: AptRequest,
  suites: readonly Suite[],
): Promise<Omit<LoadedUpstreams, 'fingerprint'>> {
  const descriptions = suites.flatMap(({ indices }) => indices.filter(({ kind }) => kind === 'Translation-en'))
  // Begun first: another processor unpacks them while this one compiles the indices.
  const translations = beginTranslations(loader, context, descriptions)
  const members: UniverseMember[] = []
  const sourceMembers: (SourceMember & { rank: number })[] = []
  const rankOf = new Map(request.upstreams.map(({ name }, rank) => [name, rank]))
  for (const suite of suites) {
    for (const found of suite.indices.filter(isOfPackages)) {
      const { upstream, suite: suiteName } = suite
      const rank = rankOf.get(upstream) ?? 0
      const index = await openCompiledIndex(loader, { suite, index: found }, context.signal)
      const member = { index, upstream, rank, suite: suiteName, component: found.component }
      if (found.kind === 'Packages') members.push(member)
      else sourceMembers.push(member)
    }
  }
  const universe = new Universe(members, request.mirror.architectures)
  return {
    suites,
    universe,
    sources: request.mirror.sources ? new SourceCatalogue(sourceMembers.sort((a, b) => a.rank - b.rank)) : undefined,
    suiteOf: suiteOfMembers(universe, suites),
    translations,
    notes: suites.flatMap((suite) => suite.notes),
  }
}

async function loadSuites(loader: UpstreamLoader, context: FormatContext, request: AptRequest): Promise<Suite[]> {
  const { fetcher, store, host } = loader
  const { mirror, files } = request
  const memory = createUpstreamMemory(loader.cache)
  const { suite, components, architectures } = mirror
  const query = { suites: [suite], components, architectures, files, host }
  const sources = await Promise.all(
    request.upstreams.map((upstream) => blaming(request, upstream.name, findSuites({ upstream, ...query }))),
  )
  const { progress, signal, lease, now } = context
  const wanted = { sources: mirror.sources }
  const suiteLoader = { fetcher, store, memory, progress, signal, lease, now, wanted }
  const suites = await Promise.all(
    sources.flat().map((source) => blaming(request, source.upstream, loadSuite(suiteLoader, source))),
  )
  refuseUnknownParts(request, suites)
  return suites
}

/** Waits for work on an upstream; what larder.yaml is to blame for is told as such. */
async function blaming<Result>(request: AptRequest, upstream: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw isLarderError(error) ? asUnknownPart(request, upstream, error) : error
  }
}

function fingerprintOf(suites: readonly Suite[]): string {
  const parts = suites.map(({ source, indices }) => [
    source.key,
    source.uris,
    indices.map((index) => [index.path, index.digest]),
  ])
  return digestOf(JSON.stringify(parts))
}

function suiteOfMembers(universe: Universe, suites: readonly Suite[]): Map<UniverseMember, Suite> {
  const found = new Map<UniverseMember, Suite>()
  for (const member of universe.members) {
    const suite = suites.find((one) => one.upstream === member.upstream && one.suite === member.suite)
    if (suite !== undefined) found.set(member, suite)
  }
  return found
}
