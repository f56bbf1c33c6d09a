import { isLarderError, LarderError, retell, type Digest } from '../../core/index.ts'
import type { FetchResult, Validators } from '../../fetch/index.ts'
import { verifyDetached } from '../../openpgp/index.ts'
import type { RepomdPromise } from '../metalink.ts'
import { parseRepomd, type Repomd } from '../repomd.ts'
import { checkStored, expectationOf } from './checksum.ts'
import { findAddresses, type Addresses, type RepositoryReader } from './find-addresses.ts'
import type { RememberedRepository } from './repository-memory.ts'
import { describe, urlsBelow, type RepositorySource } from './repository-source.ts'

/** A repomd.xml that is what was promised and signed, and where its bytes are. */
export interface ReadRepomd {
  repomd: Repomd
  /** Fingerprints of primary keys; none when it is not signed. */
  signers: readonly string[]
  blob: Digest
  signatureBlob: Digest | undefined
  validators: Validators
  /** Addresses of the repository, the one that answered first. */
  baseUrls: readonly string[]
  list: RememberedRepository['list']
}

type Fetched = Omit<ReadRepomd, 'repomd' | 'signers'>

/**
 * Fetches repomd.xml, and repomd.xml.asc where it is to be looked at, unless they are what we have (`before`); and
 * verifies them in any case: a key may have expired or been withdrawn since. RPM_REPOMD_MISSING, RPM_REPOMD_MALFORMED,
 * RPM_METALINK_MISMATCH, RPM_MIRRORS_MISSING, SIGNATURE_*, FETCH_*.
 */
export async function readRepomd(
  reader: RepositoryReader,
  source: RepositorySource,
  before: RememberedRepository | undefined,
): Promise<ReadRepomd> {
  const addresses = await findAddresses(reader, source, before)
  const { isNew, ...fetched } = await fetchRepomd(reader, source, { addresses, before })
  const bytes = await reader.store.readWhole(fetched.blob)
  const verified = await verifyAnew(reader, source, { fetched, bytes, isNew })
  return { ...fetched, ...verified, repomd: parseRepomd(bytes) }
}

/** Whether a signature of repomd.xml is looked for. */
export function looksForSignature({ keyring, repoGpgcheck }: RepositorySource): boolean {
  return keyring !== undefined && repoGpgcheck !== false
}

interface Known {
  addresses: Addresses
  before: RememberedRepository | undefined
}

async function fetchRepomd(
  reader: RepositoryReader,
  source: RepositorySource,
  known: Known,
): Promise<Fetched & { isNew: boolean }> {
  const { addresses, before } = known
  const { list } = addresses
  const promised = await fetchPromised(reader, source, known)
  if (promised === 'known' && before !== undefined) return unchanged(before, addresses)
  const result =
    promised === 'known' || promised === undefined
      ? await fetchFile(reader, source, { baseUrls: addresses.baseUrls, before })
      : promised
  if (result.kind === 'absent') {
    throw new LarderError('RPM_REPOMD_MISSING', {
      message: `${describe(source)}: there is no ${result.urls.join(', ')}`,
      hint: 'the address is that of the folder in which repodata is',
      context: { upstream: source.upstream },
    })
  }
  if (result.kind === 'not-modified') return unchanged(before!, addresses)
  const baseUrls = answeredFirst(addresses.baseUrls, result.url)
  const { digest: blob, validators } = result
  const signatureBlob = await fetchSignature(reader, source, baseUrls)
  return { blob, signatureBlob, validators, baseUrls, list, isNew: true }
}

function unchanged(before: RememberedRepository, { baseUrls, list }: Addresses): Fetched & { isNew: boolean } {
  const { repomd: blob, signature: signatureBlob, validators, baseUrl } = before
  const ordered = baseUrls.includes(baseUrl) ? [baseUrl, ...baseUrls.filter((url) => url !== baseUrl)] : baseUrls
  return { blob, signatureBlob, validators, baseUrls: ordered, list, isNew: false }
}

/** More generations than any metalink keeps. */
const mostPromises = 8

/**
 * With a metalink: the newest repomd.xml that it promises and that some address has. `known`: it is the one we have.
 * Undefined without a metalink.
 */
async function fetchPromised(
  reader: RepositoryReader,
  source: RepositorySource,
  { addresses: { baseUrls, promises }, before }: Known,
): Promise<FetchResult | 'known' | undefined> {
  if (promises === undefined) return undefined
  const [newest] = promises
  if (newest !== undefined && before !== undefined && (await holds(reader, before.repomd, newest))) return 'known'
  let failure: LarderError | undefined
  for (const promise of promises.slice(0, mostPromises)) {
    try {
      const result = await fetchFile(reader, source, { baseUrls, promise })
      if (result.kind === 'fetched') await checkPromise(reader, result.digest, promise)
      return result
    } catch (error) {
      if (!isLarderError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'FETCH_TOO_LARGE')) throw error
      failure ??= error
    }
  }
  throw new LarderError('RPM_METALINK_MISMATCH', {
    message: `${describe(source)}: no address has a repomd.xml that the metalink promises${failure === undefined ? '' : `: ${failure.message}`}`,
    hint: 'the metalink is ahead of its mirrors, or a mirror answers with something else: try again in some minutes',
    ...(failure === undefined ? {} : { cause: failure }),
    context: { upstream: source.upstream },
  })
}

async function holds(reader: RepositoryReader, blob: Digest, promise: RepomdPromise): Promise<boolean> {
  try {
    await checkPromise(reader, blob, promise)
    return true
  } catch (error) {
    if (isLarderError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'BLOB_MISSING')) return false
    throw error
  }
}

async function checkPromise({ store }: RepositoryReader, blob: Digest, promise: RepomdPromise): Promise<void> {
  const label = 'repomd.xml'
  const { sizeBytes } = (await store.stat(blob)) ?? {}
  if (promise.sizeBytes !== undefined && sizeBytes !== promise.sizeBytes) {
    throw new LarderError('SIZE_MISMATCH', { message: `${label} has another size than the metalink promises` })
  }
  await checkStored(store, blob, { checksum: promise.checksum, label })
}

function fetchFile(
  { fetcher, lease, signal }: RepositoryReader,
  { limits }: RepositorySource,
  what: {
    baseUrls: readonly string[]
    before?: RememberedRepository | undefined
    promise?: RepomdPromise
    name?: string
  },
): Promise<FetchResult> {
  const { baseUrls, before, promise, name = 'repomd.xml' } = what
  const request = {
    urls: urlsBelow(baseUrls, `repodata/${name}`, name),
    maxBytes: limits.repomdBytes,
    lease,
    ...(before === undefined ? {} : { validators: before.validators }),
    ...(promise && { expected: expectationOf(promise.checksum, promise.sizeBytes, 'repomd.xml') }),
  }
  return fetcher.fetch(request, signal)
}

/** From the address that answered, and from no other: signatures of another generation would not fit. */
async function fetchSignature(
  reader: RepositoryReader,
  source: RepositorySource,
  [baseUrl = '']: readonly string[],
): Promise<Digest | undefined> {
  if (!looksForSignature(source)) return undefined
  const result = await fetchFile(reader, source, { baseUrls: [baseUrl], name: 'repomd.xml.asc' })
  return result.kind === 'fetched' ? result.digest : undefined
}

interface Unverified {
  fetched: Fetched
  bytes: Buffer
}

/** A signature that is remembered may have been made anew since, by another key, or may never have been looked for. */
async function verifyAnew(
  reader: RepositoryReader,
  source: RepositorySource,
  { fetched, bytes, isNew }: Unverified & { isNew: boolean },
): Promise<Pick<ReadRepomd, 'signers' | 'signatureBlob'>> {
  const { signatureBlob } = fetched
  try {
    const signers = await verify(reader, source, { fetched, bytes })
    if (isNew || signers.length > 0 || !looksForSignature(source)) return { signers, signatureBlob }
  } catch (error) {
    if (isNew || !isLarderError(error)) throw error
  }
  const latest = { ...fetched, signatureBlob: await fetchSignature(reader, source, fetched.baseUrls) }
  return { signers: await verify(reader, source, { fetched: latest, bytes }), signatureBlob: latest.signatureBlob }
}

async function verify(
  { store, now }: RepositoryReader,
  source: RepositorySource,
  { fetched: { signatureBlob }, bytes }: Unverified,
): Promise<readonly string[]> {
  const { keyring } = source
  if (keyring === undefined || source.repoGpgcheck === false || signatureBlob === undefined) return []
  const signature = await store.readWhole(signatureBlob)
  try {
    const { signers } = await verifyDetached(bytes, signature, keyring, { now, what: 'repomd.xml' })
    return signers
  } catch (error) {
    if (!isLarderError(error)) throw error
    throw retell(error, `${describe(source)}: ${error.message}`, { upstream: source.upstream })
  }
}

/** The address that answered, before the others. `url` may have lost what is secret in it. */
function answeredFirst(baseUrls: readonly string[], url: string): readonly string[] {
  const plain = (text: string): string => {
    const { host, pathname } = new URL(text)
    return host + pathname
  }
  const answered = baseUrls.find((base) => plain(url).startsWith(plain(base)))
  return answered === undefined ? baseUrls : [answered, ...baseUrls.filter((base) => base !== answered)]
}
