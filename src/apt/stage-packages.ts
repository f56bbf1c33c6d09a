import { digestFromHex, type Digest } from '../core/index.ts'
import type { Fetcher, LabelledRequest } from '../fetch/index.ts'
import type { FormatContext, MirrorPackage } from '../mirror/index.ts'
import type { AptResolution } from './format.ts'
import type { LoadedUpstreams } from './loaded-upstreams.ts'
import { packageRequests } from './upstream/index.ts'

/**
 * Downloads what is not held yet. `held`: digests that the current publication keeps in the store, which need not
 * even be looked for. Answers the resolution with every digest known. FETCH_*, DIGEST_MISMATCH, DISK_FULL, CANCELLED.
 */
export async function stagePackages(
  { fetcher }: { fetcher: Fetcher },
  { lease, progress, signal }: FormatContext,
  { loaded, resolution, held }: { loaded: LoadedUpstreams; resolution: AptResolution; held: ReadonlySet<Digest> },
): Promise<AptResolution> {
  const wanted: number[] = []
  const requests: LabelledRequest[] = []
  for (const [index, one] of resolution.packages.entries()) {
    if (one.digest !== '' && held.has(one.digest)) continue
    const row = resolution.rows[index]!
    const suite = loaded.suiteOf.get(loaded.universe.member(row))
    if (suite === undefined) throw new Error(`no suite for ${one.name}: loaded upstreams are out of step`)
    wanted.push(index)
    requests.push(...packageRequests(suite, [loaded.universe.packageOf(row)], { lease }))
  }
  const results = await fetcher.fetchAll(requests, { signal, progress })
  const packages: MirrorPackage[] = [...resolution.packages]
  for (const [position, result] of results.entries()) {
    const index = wanted[position]!
    const one = packages[index]!
    if (result.kind === 'fetched') packages[index] = { ...one, digest: result.digest }
    else if (one.digest === '') throw new Error(`${one.name} was not fetched and its digest is unknown`)
    else packages[index] = { ...one, digest: digestFromHex(one.digest.slice('sha256:'.length)) }
  }
  return { ...resolution, packages }
}
