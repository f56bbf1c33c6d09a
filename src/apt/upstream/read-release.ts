import { digestOf, isLarderError, LarderError, retell, type Digest } from '../../core/index.ts'
import type { FetchRequest, FetchResult, Fetcher, Validators } from '../../fetch/index.ts'
import type { BlobStore, LeaseId } from '../../store/index.ts'
import {
  fingerprintOf,
  type Keyring,
  parseCleartext,
  restrictKeyring,
  verifyCleartext,
  verifyDetached,
} from '../../openpgp/index.ts'
import { parseRelease, type Release } from '../release.ts'
import { describe } from './check-release.ts'
import { suiteFolder, urlsBelow, type SuiteSource } from './suite-source.ts'
import type { RememberedSuite } from './upstream-memory.ts'

export interface ReleaseReader {
  fetcher: Fetcher
  store: BlobStore
  lease: LeaseId
  signal: AbortSignal
  now: Date
}

/** A Release that a trusted key has signed, and where its bytes are. */
export interface ReadRelease {
  release: Release
  signers: readonly string[]
  blob: Digest
  signatureBlob?: Digest
  inRelease: boolean
  validators: Validators
}

type Fetched = Omit<ReadRelease, 'release' | 'signers'>

/**
 * Fetches InRelease, else Release with Release.gpg, unless it is what we have (`before`), and verifies it in any case:
 * a key may have expired or been withdrawn since. APT_RELEASE_MISSING, SIGNATURE_MISSING, APT_RELEASE_MALFORMED,
 * APT_SIGNATURE_*, APT_KEY_*, FETCH_*.
 */
export async function readRelease(
  reader: ReleaseReader,
  source: SuiteSource,
  before: RememberedSuite | undefined,
): Promise<ReadRelease> {
  const fetched = (await fetchInRelease(reader, source, before)) ?? (await fetchDetached(reader, source, before))
  const { text, signers } = await verify(reader, source, { fetched, before })
  return { ...fetched, release: parseRelease(text), signers }
}

/** The keys as configured: when they change, an old Signed-By no longer binds. */
export function keyringIdentity(keyring: Keyring | undefined): string {
  const names = keyring?.keys.map(fingerprintOf).sort() ?? []
  return digestOf(JSON.stringify([names, keyring?.onlyFingerprints ?? null]))
}

async function fetchInRelease(
  reader: ReleaseReader,
  source: SuiteSource,
  before: RememberedSuite | undefined,
): Promise<Fetched | undefined> {
  const known = before?.inRelease === true ? before : undefined
  const result = await fetchFile(reader, source, 'InRelease', known?.validators)
  if (result.kind === 'absent') return undefined
  if (result.kind === 'not-modified') return { blob: known!.release, inRelease: true, validators: known!.validators }
  return { blob: result.digest, inRelease: true, validators: result.validators }
}

async function fetchDetached(
  reader: ReleaseReader,
  source: SuiteSource,
  before: RememberedSuite | undefined,
): Promise<Fetched> {
  const known = before?.inRelease === false ? before : undefined
  const result = await fetchFile(reader, source, 'Release', known?.validators)
  if (result.kind === 'absent') {
    throw new LarderError('APT_RELEASE_MISSING', {
      message: `${describe(source)}: neither InRelease nor Release is at ${result.urls.join(', ')}`,
      hint: 'check url and suite; for a flat repository the suite is ./',
      context: { upstream: source.upstream, suite: source.suite },
    })
  }
  const [blob, validators] =
    result.kind === 'not-modified' ? [known!.release, known!.validators] : [result.digest, result.validators]
  const signature = await fetchFile(reader, source, 'Release.gpg', undefined)
  if (signature.kind === 'fetched') return { blob, signatureBlob: signature.digest, inRelease: false, validators }
  if (source.allowUnsigned) return { blob, inRelease: false, validators }
  throw new LarderError('SIGNATURE_MISSING', {
    message: `${describe(source)}: there is a Release, but neither InRelease nor Release.gpg`,
    hint: 'ask the publisher to sign it; allowUnsigned: true on the upstream believes whoever answers',
    context: { upstream: source.upstream, suite: source.suite },
  })
}

function fetchFile(
  reader: ReleaseReader,
  source: SuiteSource,
  name: string,
  validators: Validators | undefined,
): Promise<FetchResult> {
  const request: FetchRequest = {
    urls: urlsBelow(source.uris, suiteFolder(source.suite) + name),
    maxBytes: source.limits.releaseBytes,
    lease: reader.lease,
    ...(validators === undefined ? {} : { validators }),
    ...(source.proxy === undefined ? {} : { proxy: source.proxy }),
  }
  return reader.fetcher.fetch(request, reader.signal)
}

interface VerifiedRelease {
  /** What was signed, and nothing else. */
  text: string
  /** Fingerprints. Empty where unsigned metadata is allowed. */
  signers: readonly string[]
}

async function verify(
  { store, now }: ReleaseReader,
  source: SuiteSource,
  { fetched, before }: { fetched: Fetched; before: RememberedSuite | undefined },
): Promise<VerifiedRelease> {
  const bytes = await store.readWhole(fetched.blob)
  if (!source.keyring) return { text: unverifiedText(bytes, fetched.inRelease), signers: [] }
  const keyring = bound(source.keyring, before)
  try {
    if (fetched.inRelease) return await verifyCleartext(bytes, keyring, { now })
    if (fetched.signatureBlob) {
      const signature = await store.readWhole(fetched.signatureBlob)
      return { text: bytes.toString('utf8'), ...(await verifyDetached(bytes, signature, keyring, { now })) }
    }
    return { text: bytes.toString('utf8'), signers: [] }
  } catch (error) {
    throw isLarderError(error)
      ? named(error, source, { bindsTo: keyring === source.keyring ? undefined : before?.signedBy })
      : error
  }
}

function unverifiedText(bytes: Buffer, inRelease: boolean): string {
  return (inRelease ? parseCleartext(bytes).text : bytes).toString('utf8')
}

/** Signed-By of a Release binds the one after it, unless the user has since named other keys. */
function bound(keyring: Keyring, before: RememberedSuite | undefined): Keyring {
  if (!before?.signedBy || before.keyring !== keyringIdentity(keyring)) return keyring
  return restrictKeyring(keyring, before.signedBy)
}

function named(
  error: LarderError,
  source: SuiteSource,
  { bindsTo }: { bindsTo: readonly string[] | undefined },
): LarderError {
  const binding = bindsTo ? ` The Release before it says that only ${bindsTo.join(', ')} may sign.` : ''
  const message = `${describe(source)}: ${error.message}${binding}`
  return retell(error, message, { upstream: source.upstream, suite: source.suite })
}
