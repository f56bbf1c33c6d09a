import { isLarderError, LarderError, retell, type Progress } from '../../core/index.ts'
import type { Fetcher } from '../../fetch/index.ts'
import type { BlobStore, LeaseId } from '../../store/index.ts'
import type { Release } from '../release.ts'
import { checkRelease, describe, originOf } from './check-release.ts'
import { chooseIndices, type WantedIndices } from './choose-indices.ts'
import { fetchIndices } from './fetch-indices.ts'
import { offerOf } from './offer.ts'
import { keyringIdentity, readRelease, type ReadRelease } from './read-release.ts'
import type { Suite, SuiteIndex } from './suite.ts'
import type { SuiteSource } from './suite-source.ts'
import { recallSuite, rememberSuite, type RememberedSuite, type UpstreamMemory } from './upstream-memory.ts'

export interface SuiteLoader {
  fetcher: Fetcher
  store: BlobStore
  memory: UpstreamMemory
  lease: LeaseId
  progress: Progress
  signal: AbortSignal
  now: Date
  wanted?: WantedIndices
}

/** Releases read before an upstream that keeps changing is given up. */
const maxRounds = 3

/**
 * Brings one suite up to date: the Release by a conditional request, verified and checked; its indices into the
 * store, under the lease. When an index is not what the Release promised, the Release is read again, since the
 * upstream may have changed in between. Never falls back to old data by itself: what was good last is in the context
 * of the error and in `recallSuite`. APT_*, FETCH_*, DIGEST_MISMATCH, SIZE_MISMATCH, DISK_FULL, CANCELLED.
 */
export async function loadSuite(loader: SuiteLoader, source: SuiteSource): Promise<Suite> {
  const remembered = await recallUsable(loader, source)
  try {
    return await loadInRounds(loader, source, remembered)
  } catch (error) {
    if (!remembered || !isLarderError(error) || error.code === 'CANCELLED') throw error
    const { upstream, suite } = source
    const message = `${error.message} (last read well at ${remembered.readAt})`
    throw retell(error, message, { lastGoodAt: remembered.readAt, upstream, suite })
  }
}

async function loadInRounds(
  loader: SuiteLoader,
  source: SuiteSource,
  remembered: RememberedSuite | undefined,
): Promise<Suite> {
  let read = await readChecked(loader, source, { remembered, latest: remembered })
  for (let round = 1; ; round++) {
    try {
      return await withIndices(loader, source, { read, remembered })
    } catch (error) {
      if (!isSignOfChange(error)) throw error
      const latest = toRemembered(source, read, { indices: [], now: loader.now })
      const again = await readChecked(loader, source, { remembered, latest })
      if (again.blob === read.blob) throw error
      if (round === maxRounds) throw changed(source, error)
      loader.progress.log(`${describe(source)} changed while it was read; reading it again`)
      read = again
    }
  }
}

/** The remembered state, if the bytes of its Release are still there. */
async function recallUsable({ memory, store }: SuiteLoader, source: SuiteSource): Promise<RememberedSuite | undefined> {
  const remembered = await recallSuite(memory, source.key)
  if (!remembered) return undefined
  // Without its bytes, a 304 would leave us with nothing to verify.
  return (await store.has(remembered.release)) ? remembered : { ...remembered, validators: {} }
}

async function readChecked(
  loader: SuiteLoader,
  source: SuiteSource,
  known: { remembered: RememberedSuite | undefined; latest: RememberedSuite | undefined },
): Promise<ReadRelease> {
  const { remembered, latest } = known
  // What binds is the Release before this run, however often it is read.
  const bound = latest && { ...latest, signedBy: remembered?.signedBy, keyring: remembered?.keyring ?? latest.keyring }
  const read = await readRelease(loader, source, bound)
  checkRelease(read.release, source, { now: loader.now, remembered: latest })
  return read
}

async function withIndices(
  loader: SuiteLoader,
  source: SuiteSource,
  { read, remembered }: { read: ReadRelease; remembered: RememberedSuite | undefined },
): Promise<Suite> {
  const { choices, missing } = chooseIndices(read.release, source, loader.wanted ?? {})
  if (!choices.some(({ place }) => place.kind === 'Packages')) throw noIndex(source, read.release, missing)
  const indices = await fetchIndices({ ...loader, source, known: remembered?.indices ?? [] }, choices)
  const all = withOthers(remembered?.release === read.blob ? remembered.indices : [], indices)
  await rememberSuite(loader.memory, source.key, toRemembered(source, read, { indices: all, now: loader.now }))
  return {
    source,
    upstream: source.upstream,
    suite: source.suite,
    codename: read.release.codename,
    release: read.release,
    signers: read.signers,
    indices,
    baseUrls: source.uris,
    notes: notesOf(source, missing),
    unchanged: remembered?.release === read.blob && includesAll(remembered.indices, indices),
  }
}

function toRemembered(
  source: SuiteSource,
  read: ReadRelease,
  { indices, now }: { indices: SuiteIndex[]; now: Date },
): RememberedSuite {
  const { release } = read
  return {
    form: 1,
    release: read.blob,
    ...(read.signatureBlob ? { signature: read.signatureBlob } : {}),
    inRelease: read.inRelease,
    validators: read.validators,
    readAt: now.toISOString(),
    date: release.date.toISOString(),
    ...(release.validUntil ? { validUntil: release.validUntil.toISOString() } : {}),
    origin: originOf(release),
    ...(release.signedBy ? { signedBy: [...release.signedBy] } : {}),
    keyring: keyringIdentity(source.keyring),
    indices,
  }
}

/** An index that is gone, or other than promised, is what an upstream looks like while it is being updated. */
function isSignOfChange(error: unknown): boolean {
  return isLarderError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'FETCH_TOO_LARGE', 'APT_INDEX_MISSING')
}

/** Mirrors that ask one suite for different architectures or components must not make each other's indices forgotten. */
function withOthers(remembered: readonly SuiteIndex[], indices: readonly SuiteIndex[]): SuiteIndex[] {
  const paths = new Set(indices.map(({ path }) => path))
  return [...indices, ...remembered.filter(({ path }) => !paths.has(path))]
}

function includesAll(remembered: readonly SuiteIndex[], indices: readonly SuiteIndex[]): boolean {
  const digests = new Map(remembered.map(({ path, digest }) => [path, digest]))
  return indices.every(({ path, digest }) => digests.get(path) === digest)
}

function notesOf(source: SuiteSource, missing: readonly string[]): string[] {
  return [
    ...(source.keyring ? [] : [`${describe(source)}: NOT VERIFIED, since unsigned metadata is allowed there`]),
    ...missing.map((path) => `${describe(source)}: has no ${path}`),
  ]
}

function noIndex(source: SuiteSource, release: Release, missing: readonly string[]): LarderError {
  return new LarderError('APT_INDEX_MISSING', {
    message: `${describe(source)}: the Release promises none of ${missing.join(', ')}`,
    hint: `it has the components ${release.components.join(', ')} for ${release.architectures.join(', ')}`,
    context: { upstream: source.upstream, suite: source.suite, missing, offer: offerOf(release) },
  })
}

function changed(source: SuiteSource, cause: unknown): LarderError {
  return new LarderError('APT_UPSTREAM_CHANGED', {
    message: `${describe(source)}: changed ${maxRounds} times while it was being read`,
    hint: 'it is probably being updated: try again in some minutes',
    cause,
    context: { upstream: source.upstream, suite: source.suite },
  })
}
