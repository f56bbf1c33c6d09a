import { createHash, randomUUID } from 'node:crypto'
import { isLarderError, type Clock, type Log } from '../../core/index.ts'
import type { Fetcher } from '../../fetch/index.ts'
import type { CollectableLeases, Expectation } from '../../store/index.ts'
import { parseManifest } from '../manifest.ts'
import {
  algorithmOf,
  parseDigest,
  parseRepositoryName,
  type OciDigest,
  type Reference,
  type RepositoryName,
} from '../reference.ts'
import type { ManifestInfo, OpenBlob, Registry } from '../registry/registry.ts'
import type { CachedReference, CachedRows } from './cached-rows.ts'
import { type Origin, unavailable, wrong } from './origin.ts'

export interface ReadThroughOptions {
  registry: Registry
  fetcher: Pick<Fetcher, 'fetch'>
  leases: CollectableLeases
  clock: Clock
  log: Log
  rows: CachedRows
  origin: Origin
  cached: { prefix: string; tagAgeMs: number; keepMs: number }
  stopping: AbortSignal
}

interface Named {
  repository: RepositoryName
  reference: string
}

/** Largest blob that is taken from another registry. */
const maxBlobBytes = 64 * 1024 ** 3
/** A registry that did not answer is not asked about tags for so long: each would wait in vain. */
const awayMs = 30_000
/** How exactly the last use is known. */
const touchEveryMs = 3_600_000

/** What one other registry has, as ours has it after a first pull. */
export class ReadThrough {
  readonly #options: ReadThroughOptions
  /** What is on its way, by its name: whoever wants it too waits with the first. */
  readonly #underway = new Map<string, Promise<unknown>>()
  #awayUntilMs = 0

  constructor(options: ReadThroughOptions) {
    this.#options = options
  }

  async manifest(repository: RepositoryName, reference: Reference): Promise<ManifestInfo | undefined> {
    const named = { repository, reference: 'tag' in reference ? reference.tag : reference.digest }
    // No client can name it: what cannot be a tag is not there.
    if (named.reference === '') return undefined
    const digest = 'tag' in reference ? await this.#resolve(named, reference) : reference.digest
    if (digest === undefined) return undefined
    const { registry } = this.#options
    const known = await registry.manifest(repository, { digest })
    if (known !== undefined) {
      await this.#use(named, digest)
      return known
    }
    return this.#once(`${repository}@${digest}`, () => this.#fetchManifest({ ...named, reference: digest }, { digest }))
  }

  async blob(repository: RepositoryName, digest: OciDigest): Promise<OpenBlob | undefined> {
    const { registry } = this.#options
    const known = await registry.blob(repository, digest)
    if (known !== undefined) return known
    const found = await this.#once(`${repository}/${digest}`, () => this.#fetchBlob(repository, digest))
    return found ? registry.blob(repository, digest) : undefined
  }

  /** The tag first: a row without its tag is found again, a tag without its row would count as pushed here. */
  async forget({ repository, reference }: Named): Promise<void> {
    if (!reference.includes(':')) {
      await this.#options.registry.removeManifest(repository, { tag: reference }).catch((error: unknown) => {
        if (!isLarderError(error, 'OCI_MANIFEST_UNKNOWN')) throw error
      })
    }
    await this.#options.rows.remove({ repository, reference })
  }

  /** When nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underway.values())
  }

  /** What a tag means: as it was last said, for a while; then as the other registry says; as it said, while it is away. */
  async #resolve(named: Named, { tag }: { tag: string }): Promise<OciDigest | undefined> {
    const { rows, registry, cached, clock } = this.#options
    const row = await rows.find(named)
    if (row === undefined) {
      // Pushed before the name was one of another registry.
      const pushed = await registry.manifest(named.repository, { tag })
      if (pushed !== undefined) return pushed.digest
    } else if (clock.now().getTime() - row.checkedAt.getTime() < cached.tagAgeMs) return row.digest
    return this.#once(`${named.repository}:${tag}`, () => this.#ask(named, { tag }, row))
  }

  async #ask(
    named: Named,
    reference: { tag: string },
    row: CachedReference | undefined,
  ): Promise<OciDigest | undefined> {
    const { clock, origin, rows } = this.#options
    if (row !== undefined && clock.monotonicMs() < this.#awayUntilMs) return row.digest
    try {
      const found = await origin.resolve(this.#nameThere(named.repository), reference)
      if (found === undefined) {
        if (row !== undefined) await this.forget(named)
        return undefined
      }
      if (found.digest !== undefined && found.digest === row?.digest) {
        await rows.put(named, row.digest, clock.now())
        return row.digest
      }
      return (await this.#fetchManifest(named, found.digest === undefined ? reference : { digest: found.digest }))
        ?.digest
    } catch (error) {
      if (row === undefined || !isLarderError(error, 'OCI_ORIGIN_UNAVAILABLE')) throw error
      this.#awayUntilMs = clock.monotonicMs() + awayMs
      this.#options.log.warn('a tag is served as it was last known', { ...named, error })
      return row.digest
    }
  }

  /** `named`: under what it is remembered; `reference`: what is asked for. */
  async #fetchManifest(
    { repository, reference: name }: Named,
    reference: Reference,
  ): Promise<ManifestInfo | undefined> {
    const { origin, registry, rows, clock } = this.#options
    const answer = await origin.manifest(this.#nameThere(repository), reference)
    if (answer === undefined) return undefined
    const given = { ...answer, isPartial: true }
    try {
      // By its digest, its row, its tag: what has a tag and no row was pushed here.
      const put = await registry.putManifest(repository, byDigest(reference, answer.bytes), given)
      await rows.put({ repository, reference: name }, put.digest, clock.now())
      if (!name.includes(':')) await registry.putManifest(repository, { tag: name }, given)
      return put
    } catch (cause) {
      if (!isLarderError(cause, 'OCI_DIGEST_INVALID', 'OCI_MANIFEST_INVALID', 'OCI_MANIFEST_TOO_LARGE')) throw cause
      throw wrong(cause.message.replace(/\.$/, ''), cause)
    }
  }

  async #fetchBlob(repository: RepositoryName, digest: OciDigest): Promise<boolean> {
    const { origin, fetcher, leases, registry, stopping } = this.#options
    // Also where our store has these bytes: whether whoever asks may have them is for the other registry to say.
    const blob = await origin.blob(this.#nameThere(repository), digest)
    if (blob === undefined) return false
    const sizeBytes = (await this.#promisedBytes(repository, digest)) ?? blob.sizeBytes
    const { url, authorization } = blob
    const lease = await leases.acquire(`registry/cache/${randomUUID()}`)
    try {
      const expected = expectationOf(digest, sizeBytes)
      const request = { urls: [url], expected, maxBytes: maxBlobBytes, lease }
      const asked = authorization === undefined ? request : { ...request, authorization }
      const result = await fetcher.fetch(asked, stopping)
      if (result.kind !== 'fetched') return false
      await registry.adoptBlob(repository, { digest, stored: result.digest, sizeBytes: result.sizeBytes })
      return true
    } catch (cause) {
      throw ofFetching(cause)
    } finally {
      await leases.release(lease)
    }
  }

  /** What a manifest says that the blob has; a blob of another length is none of it. */
  async #promisedBytes(repository: RepositoryName, digest: OciDigest): Promise<number | undefined> {
    const { registry } = this.#options
    const naming = await registry.manifestNaming(repository, digest)
    const manifest = naming && (await registry.manifest(repository, { digest: naming }))
    if (manifest === undefined) return undefined
    const { blobs } = parseManifest(await registry.manifestContent(repository, manifest.digest), manifest.mediaType)
    return blobs.find((one) => one.digest === digest)?.size
  }

  async #use(named: Named, digest: OciDigest): Promise<void> {
    const { rows, clock } = this.#options
    const row = await rows.find(named)
    const now = clock.now()
    if (row === undefined) await rows.put(named, digest, now)
    else if (now.getTime() - row.usedAt.getTime() > touchEveryMs) await rows.touch(named, now)
  }

  #once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.#underway.get(key) as Promise<T> | undefined
    if (known !== undefined) return known
    const working = work().finally(() => this.#underway.delete(key))
    this.#underway.set(key, working)
    return working
  }

  #nameThere(repository: RepositoryName): RepositoryName {
    return parseRepositoryName(repository.slice(this.#options.cached.prefix.length + 1))
  }
}

/** What the other registry says that a tag means is compared by whoever pulls; what a digest means, here. */
function byDigest(reference: Reference, bytes: Buffer): { digest: OciDigest } {
  if ('digest' in reference) return reference
  return { digest: parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`) }
}

function expectationOf(digest: OciDigest, sizeBytes: number | undefined): Expectation {
  const hex = digest.slice(digest.indexOf(':') + 1)
  const hash = algorithmOf(digest) === 'sha512' ? { sha512: hex } : { sha256: hex }
  return sizeBytes === undefined ? hash : { ...hash, sizeBytes }
}

function ofFetching(cause: unknown): unknown {
  if (!isLarderError(cause)) return cause
  if (['DIGEST_MISMATCH', 'SIZE_MISMATCH', 'FETCH_TOO_LARGE', 'FETCH_URL_REFUSED'].includes(cause.code)) {
    return wrong(cause.message.replace(/\.$/, ''), cause)
  }
  return cause.code.startsWith('FETCH_') ? unavailable(cause.message.replace(/\.$/, ''), cause) : cause
}
