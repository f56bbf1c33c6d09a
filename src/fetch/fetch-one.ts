import { digestFromHex, LarderError, retell } from '../core/index.ts'
import type { BlobStore, Leases, Upload } from '../store/index.ts'
import type { FetchRequest, FetchResult } from './fetcher.ts'
import { hostOf, parseFetchUrl, redactUrl } from './fetch-url.ts'
import type { KeyedLock } from './keyed-lock.ts'
import type { Failure } from './outcome.ts'
import { persist, type PersistKit } from './persist.ts'
import { hasHash } from './resume.ts'
import { cancelled, throwIfAborted } from './slots.ts'
import { SmallUpload, smallBytes } from './small-upload.ts'
import type { WriteBatcher } from './write-batcher.ts'

export interface FetchKit extends PersistKit {
  store: BlobStore
  /** For small files. */
  batcher: WriteBatcher
  leases: Leases
  /** Two requests for the same bytes wait for one another; the second finds them in the store. */
  uploads: KeyedLock
  /** Hosts that just failed for good, and until when (monotonic ms) they are asked last. */
  shunned: Map<string, number>
}

export interface FetchOptions {
  signal: AbortSignal
  onBytes: (moreBytes: number) => void
  /** All bytes are here, and the connection is free; what is left is checking and storing. Not told of what is there already. */
  onReceived?: () => void
  /** See FetchAllOptions. */
  inspect?: (bytes: Buffer) => Promise<void>
}

const shunMs = 60_000

/** Fetches one file from the first address that gives it; asks nobody when the store has it. See Fetcher.fetch. */
export async function fetchOne(kit: FetchKit, request: FetchRequest, options: FetchOptions): Promise<FetchResult> {
  checkRequest(request)
  try {
    return await kit.uploads.run(uploadKeyOf(request), async () => {
      throwIfAborted(options.signal)
      return (await findStored(kit, request)) ?? (await fromAddresses(kit, request, options))
    })
  } catch (error) {
    if (options.signal.aborted && !(error instanceof LarderError)) throw cancelled(options.signal)
    throw error
  }
}

/** The blob that was promised, when the store has it: protected by the lease from now on. */
async function findStored(kit: FetchKit, request: FetchRequest): Promise<FetchResult | undefined> {
  const stored = await statPromised(kit, request)
  if (!stored) return undefined
  await kit.leases.pin(request.lease, [stored.digest])
  return { kind: 'fetched', ...stored, url: redactUrl(request.urls[0]!), validators: {} }
}

export async function statPromised(kit: FetchKit, request: FetchRequest) {
  const { sha256, sizeBytes } = request.expected ?? {}
  if (sha256 === undefined) return undefined
  const digest = digestFromHex(sha256)
  const stat = await kit.store.stat(digest)
  if (!stat || (sizeBytes !== undefined && sizeBytes !== stat.sizeBytes)) return undefined
  return { digest, sizeBytes: stat.sizeBytes }
}

async function fromAddresses(kit: FetchKit, request: FetchRequest, options: FetchOptions): Promise<FetchResult> {
  if (!isSmall(request)) {
    const openUpload = () => kit.store.openUpload(request.lease, uploadKeyOf(request))
    return tryAddresses(kit, request, { ...options, openUpload })
  }
  const arrival = kit.batcher.expect(request.lease)
  try {
    const upload = new SmallUpload(arrival, options.inspect)
    return await tryAddresses(kit, request, { ...options, openUpload: () => Promise.resolve(upload) })
  } finally {
    arrival.end()
  }
}

function isSmall(request: FetchRequest): boolean {
  return hasHash(request) && (request.expected?.sizeBytes ?? Infinity) <= smallBytes
}

async function tryAddresses(
  kit: FetchKit,
  request: FetchRequest,
  options: FetchOptions & { openUpload: () => Promise<Upload> },
): Promise<FetchResult> {
  const failures: Failure[] = []
  const addresses = inOrder(kit, request.urls)
  for (const [position, url] of addresses.entries()) {
    const others = position < addresses.length - 1
    const task = { request, url, ...options }
    const outcome = await persist(kit, task, { others })
    if (outcome.kind === 'done') return outcome.result
    if (outcome.kind === 'absent') continue
    if (outcome.error.retryable) kit.shunned.set(hostOf(url.href), kit.clock.monotonicMs() + shunMs)
    failures.push(outcome)
  }
  if (failures.length === 0) return { kind: 'absent', urls: request.urls.map(redactUrl) }
  throw summarise(failures)
}

/** As preferred, but hosts that just failed last. */
function inOrder(kit: FetchKit, urls: readonly string[]): URL[] {
  const parsed = urls.map(parseFetchUrl)
  if (kit.shunned.size === 0) return parsed
  const nowMs = kit.clock.monotonicMs()
  const isShunned = (url: URL) => (kit.shunned.get(hostOf(url.href)) ?? 0) > nowMs
  return [...parsed.filter((url) => !isShunned(url)), ...parsed.filter(isShunned)]
}

/** One failure as it is; of several, the most telling one, with what happened at every address. */
function summarise(failures: readonly Failure[]): LarderError {
  const first = failures[0]!.error
  if (failures.length === 1) return first
  const telling = failures.find(({ error }) => error.code !== 'FETCH_UNREACHABLE')?.error ?? first
  const message = `all ${failures.length} addresses failed: ${failures.map(({ error }) => error.message).join('; ')}`
  return retell(telling, message, { failures: failures.map(({ error }) => error.toJSON()) })
}

function checkRequest(request: FetchRequest): void {
  if (request.urls.length === 0) throw new LarderError('FETCH_URL_REFUSED', { message: 'no address was given' })
  const { sizeBytes, sha256 } = request.expected ?? {}
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new LarderError('DIGEST_MISMATCH', {
      message: `${redactUrl(request.urls[0]!)}: the promised SHA-256 is malformed`,
    })
  }
  if (sizeBytes !== undefined && sizeBytes > request.maxBytes) {
    throw new LarderError('FETCH_TOO_LARGE', {
      message: `${redactUrl(request.urls[0]!)} is promised to have ${sizeBytes} bytes; at most ${request.maxBytes} are allowed`,
      context: { sizeBytes, limitBytes: request.maxBytes },
    })
  }
}

function uploadKeyOf(request: FetchRequest): string {
  const { sha256, sha512 } = request.expected ?? {}
  if (sha256 !== undefined) return `sha256:${sha256}`
  return sha512 === undefined ? `url:${request.urls[0]!}` : `sha512:${sha512}`
}
