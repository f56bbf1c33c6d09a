import { digestFromHex, hexOf, LarderError, type Digest } from '../core/index.ts'
import type { Fetcher, FetchResult, LabelledRequest } from '../fetch/index.ts'
import type { FormatContext, HeldDigests, MirrorPackage } from '../mirror/index.ts'
import type { BlobStore } from '../store/index.ts'
import type { RpmResolution } from './format.ts'
import type { HeaderMemory } from './header/index.ts'
import type { LoadedUpstreams } from './loaded-upstreams.ts'
import type { UniversePackage } from './universe.ts'
import {
  checkStored,
  nameOf,
  PackageChecks,
  packageRequest,
  verifyPackages,
  type LearnedDigests,
  type Repository,
  type UnverifiedPackage,
  type VerifiedPackages,
} from './upstream/index.ts'

export interface PackageStager {
  fetcher: Fetcher
  store: BlobStore
  verified: VerifiedPackages
  learned: LearnedDigests
  headers: HeaderMemory
}

interface Staging {
  context: FormatContext
  loaded: LoadedUpstreams
  resolution: RpmResolution
  /** Digests that the current publication keeps in the store, which need not even be looked for. */
  held: HeldDigests
}

/**
 * Downloads what is not held yet, and verifies that the upstream's keys have signed all of it. Answers the resolution
 * with every digest known. FETCH_*, DIGEST_MISMATCH, SIZE_MISMATCH, RPM_UPSTREAM_CHANGED, RPM_HREF_REFUSED,
 * RPM_CHECKSUM_REFUSED, SIGNATURE_*, DISK_FULL, CANCELLED.
 */
export async function stagePackages(stager: PackageStager, staging: Staging): Promise<RpmResolution> {
  const { fetcher, store, verified, headers } = stager
  const { signal, progress, now } = staging.context
  const packages: MirrorPackage[] = [...staging.resolution.packages]
  const wanted = wantedOf(staging)
  const requests = wanted.map(({ request }) => request)
  const checks = new PackageChecks({ store, verified, signal, now, headers })
  const checked = new Set<number>()
  const inspected = new Set<number>()
  const inspect = async (position: number, bytes: Buffer): Promise<void> => {
    const { index, request } = wanted[position]!
    const { sha256 } = request.expected ?? {}
    // By another checksum than that, nothing is known of it before it is in the store.
    const one = sha256 === undefined ? undefined : unverified(staging, index, digestFromHex(sha256))
    if (one === undefined) return
    await checks.verify(one, bytes)
    inspected.add(position)
  }
  const onStored = async (position: number, result: FetchResult): Promise<void> => {
    const { index, request, checksum } = wanted[position]!
    if (result.kind !== 'fetched') return
    await checkStored(store, result.digest, { checksum, label: request.label })
    checked.add(position)
    const one = unverified(staging, index, result.digest)
    if (one !== undefined && !inspected.has(position)) await checks.verify(one)
  }
  const looks = { onStored, inspect }
  // oxlint-disable-next-line typescript/no-misused-promises -- finally waits for it
  const results = await fetcher.fetchAll(requests, { signal, progress, ...looks }).finally(() => checks.writeDown())
  refuseAbsent(requests, results)
  const learned: [string, Digest][] = []
  for (const [position, { index, request, checksum }] of wanted.entries()) {
    const result = results[position]!
    if (result.kind !== 'fetched') continue
    if (!checked.has(position)) await checkStored(store, result.digest, { checksum, label: request.label })
    packages[index] = { ...packages[index]!, digest: result.digest }
    learned.push([nameOf(checksum), result.digest])
  }
  await stager.learned.add(learned)
  // What was in the store before, under whichever key it came there.
  await verifyPackages(
    { store, verified, signal, now },
    packages.flatMap((one, index) => unverified(staging, index, one.digest as Digest) ?? []),
  )
  return { ...staging.resolution, packages }
}

/** undefined where no signature is asked for. */
function unverified(staging: Staging, index: number, digest: Digest): UnverifiedPackage | undefined {
  const repository = repositoryOf(staging, index)
  if (!repository.source.gpgcheck) return undefined
  return { label: labelOf(staging.resolution.packages[index]!), digest, repository }
}

interface Wanted {
  /** Among the packages of the resolution. */
  index: number
  request: LabelledRequest
  checksum: UniversePackage['checksum']
}

function wantedOf(staging: Staging): Wanted[] {
  const { loaded, resolution, held, context } = staging
  return resolution.packages.flatMap((one, index): Wanted[] => {
    if (one.digest !== '' && held.has(one.digest)) return []
    const { location, baseUrl, checksum, sizeBytes } = loaded.universe.packageOf(resolution.rows[index]!)
    const wanted = {
      label: labelOf(one),
      href: location,
      base: baseUrl,
      sizeBytes,
      checksum,
      knownSha256: one.digest === '' ? undefined : hexOf(one.digest),
    }
    return [{ index, request: packageRequest(repositoryOf(staging, index), wanted, context), checksum }]
  })
}

function repositoryOf({ loaded, resolution }: Staging, index: number): Repository {
  const repository = loaded.repositoryOf.get(loaded.universe.member(resolution.rows[index]!))
  if (repository === undefined) throw new Error('no repository for a package: loaded upstreams are out of step')
  return repository
}

function labelOf({ name, version, architecture }: MirrorPackage): string {
  return `${name}-${version}.${architecture}`
}

/** What an index promises and no address has, has been removed since the index was read. */
function refuseAbsent(requests: readonly LabelledRequest[], results: readonly FetchResult[]): void {
  const absent = requests.filter((_, index) => results[index]?.kind !== 'fetched')
  const [first] = absent
  if (first === undefined) return
  const more = absent.length === 1 ? '' : `, nor are ${absent.length - 1} others of its repository`
  throw new LarderError('RPM_UPSTREAM_CHANGED', {
    message: `${first.label} is not at ${first.urls.join(', ')}${more}`,
    hint: 'the upstream is probably being updated: try again in some minutes',
    context: { missing: absent.slice(0, 20).map(({ label }) => label) },
  })
}
