import { LarderError, type Digest } from '../core/index.ts'
import type { Fetcher, FetchResult, LabelledRequest } from '../fetch/index.ts'
import type { FormatContext, HeldDigests, MirrorPackage } from '../mirror/index.ts'
import { withSources, type FoundSource } from './find-sources.ts'
import type { AptResolution } from './format.ts'
import type { LoadedUpstreams } from './loaded-upstreams.ts'
import type { SourcePackage } from './source-catalogue.ts'
import { packageRequests, sourceRequests, type Suite } from './upstream/index.ts'

interface Staging {
  context: FormatContext
  loaded: LoadedUpstreams
  resolution: AptResolution
  /** Digests that the current publication keeps in the store, which need not even be looked for. */
  held: HeldDigests
}

/**
 * Downloads what is not held yet. Answers the resolution with every digest known. FETCH_*, APT_UPSTREAM_CHANGED, DIGEST_MISMATCH,
 * APT_FILENAME_REFUSED, DISK_FULL, CANCELLED.
 */
export async function stagePackages({ fetcher }: { fetcher: Fetcher }, staging: Staging): Promise<AptResolution> {
  const { signal, progress } = staging.context
  const { requests, wanted } = binaryRequests(staging)
  const ofSources = requestsOfSources(staging)
  const all = [...requests, ...ofSources]
  const results = await fetcher.fetchAll(all, { signal, progress })
  refuseAbsent(all, results)
  const { resolution } = staging
  const binaries: MirrorPackage[] = [...resolution.binaries]
  for (const [position, index] of wanted.entries()) {
    const result = results[position]!
    const one = binaries[index]!
    if (result.kind === 'fetched') binaries[index] = { ...one, digest: result.digest }
  }
  return { ...resolution, binaries, packages: withSources(binaries, resolution.sources) }
}

/** What an index promises and no address has, has been removed since the index was read. */
function refuseAbsent(requests: readonly LabelledRequest[], results: readonly FetchResult[]): void {
  const absent = requests.filter((_, index) => results[index]?.kind !== 'fetched')
  const [first] = absent
  if (first === undefined) return
  const more = absent.length === 1 ? '' : `, nor are ${absent.length - 1} others of its index`
  throw new LarderError('APT_UPSTREAM_CHANGED', {
    message: `${first.label} is not at ${first.urls.join(', ')}${more}`,
    hint: 'the upstream is probably being updated: try again in some minutes',
    context: { missing: absent.slice(0, 20).map(({ label }) => label) },
  })
}

/** `wanted`: by request, the place of its package among the binaries. */
function binaryRequests({ context, loaded, resolution, held }: Staging): {
  requests: LabelledRequest[]
  wanted: number[]
} {
  const wanted: number[] = []
  const requests: LabelledRequest[] = []
  for (const [index, one] of resolution.binaries.entries()) {
    if (one.digest !== '' && held.has(one.digest)) continue
    const row = resolution.rows[index]!
    const suite = loaded.suiteOf.get(loaded.universe.member(row))
    if (suite === undefined) throw new Error(`no suite for ${one.name}: loaded upstreams are out of step`)
    wanted.push(index)
    requests.push(...packageRequests(suite, [loaded.universe.packageOf(row)], context))
  }
  return { requests, wanted }
}

/** Each file once: revisions of a package share its tarball. */
function requestsOfSources({ context, loaded, resolution, held }: Staging): LabelledRequest[] {
  const known = new Set<Digest>()
  return (resolution.sources ?? []).flatMap(({ package: { files = [] }, from }: FoundSource) => {
    const missing = from.files.filter((_, index) => {
      const { digest } = files[index]!
      return !held.has(digest) && !known.has(digest)
    })
    for (const { digest } of files) known.add(digest)
    return missing.length === 0 ? [] : sourceRequests(suiteOfSource(loaded, from), { ...from, files: missing }, context)
  })
}

function suiteOfSource({ suites }: LoadedUpstreams, { name, upstream, suite }: SourcePackage): Suite {
  const found = suites.find((one) => one.upstream === upstream && one.suite === suite)
  if (found === undefined) throw new Error(`no suite for source ${name}: loaded upstreams are out of step`)
  return found
}
