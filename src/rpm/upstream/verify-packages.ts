import { isLarderError, retell, type Digest } from '../../core/index.ts'
import type { Keyring } from '../../openpgp/index.ts'
import type { BlobStore } from '../../store/index.ts'
import { rpmInMemory, rpmInStore, toPackage, verifyRpm, type HeaderMemory } from '../header/index.ts'
import type { Repository } from './repository.ts'
import { describe } from './repository-source.ts'
import type { VerifiedPackages } from './verified-packages.ts'

/** A package in the store that its upstream's keys must have signed. */
export interface UnverifiedPackage {
  /** For messages: `nginx-1.22-1.x86_64`. */
  label: string
  digest: Digest
  repository: Pick<Repository, 'source'>
}

interface Verifying {
  store: BlobStore
  verified: VerifiedPackages
  signal: AbortSignal
  now: Date
  /** Keeps what is read of packages that are verified from memory. */
  headers?: HeaderMemory
}

/** A public-key operation each: more at once would only wait for each other. */
const atOnce = 4
/** Found good and not written down yet: at most so many. */
const batch = 256

/**
 * Verifies the vendor's signature of each package whose bytes no trusted key was found to have signed before.
 * SIGNATURE_*, RPM_MALFORMED, BLOB_MISSING, CANCELLED.
 */
export async function verifyPackages(verifying: Verifying, packages: readonly UnverifiedPackage[]): Promise<void> {
  const checks = new PackageChecks(verifying)
  const queue = (await unknownOf(verifying, packages)).values()
  const work = async (): Promise<void> => {
    for (const one of queue) await checks.verify(one)
  }
  try {
    const ended = await Promise.allSettled(Array.from({ length: atOnce }, work))
    const failure = ended.find((end) => end.status === 'rejected')
    if (failure !== undefined) throw failure.reason
  } finally {
    await checks.writeDown()
  }
}

/** In one pass: of tens of thousands, nearly all are known. */
async function unknownOf(
  { verified }: Verifying,
  packages: readonly UnverifiedPackage[],
): Promise<readonly UnverifiedPackage[]> {
  const known = new Map<Keyring, ReadonlySet<Digest>>()
  for (const keyring of new Set(packages.map(({ repository }) => repository.source.keyring)))
    if (keyring !== undefined) known.set(keyring, await verified.by(keyring))
  return packages.filter(({ digest, repository: { source } }) => {
    const good = source.keyring && known.get(source.keyring)
    return good?.has(digest) === false
  })
}

/** Verifies packages as they arrive. Whatever becomes of it, `writeDown` in the end. */
export class PackageChecks {
  readonly #verifying: Verifying
  readonly #good = new Map<Keyring, Digest[]>()

  constructor(verifying: Verifying) {
    this.#verifying = verifying
  }

  /** As verifyPackages. `bytes`: of the package, where they are in memory; it need not be in the store then. */
  async verify(one: UnverifiedPackage, bytes?: Buffer): Promise<void> {
    const { keyring } = one.repository.source
    if (keyring === undefined) return
    const { signal, verified } = this.#verifying
    if ((await verified.by(keyring)).has(one.digest)) return
    signal.throwIfAborted()
    await verifyOne(this.#verifying, one, bytes)
    const good = this.#good.get(keyring) ?? []
    this.#good.set(keyring, good)
    good.push(one.digest)
    if (good.length >= batch) await verified.add(keyring, good.splice(0))
  }

  /** So that a run that ends early need not look again at what was found good. */
  async writeDown(): Promise<void> {
    for (const [keyring, good] of this.#good) await this.#verifying.verified.add(keyring, good.splice(0))
  }
}

async function verifyOne(
  { store, now, headers }: Verifying,
  { label, digest, repository: { source } }: UnverifiedPackage,
  bytes: Buffer | undefined,
): Promise<void> {
  try {
    const rpm = bytes === undefined ? await rpmInStore(store, digest, label) : rpmInMemory(bytes, label)
    const { file } = await verifyRpm(rpm, source.keyring!, { now })
    if (bytes !== undefined) headers?.add(digest, toPackage(file))
  } catch (error) {
    if (!isLarderError(error)) throw error
    throw retell(error, `${describe(source)}: ${error.message}`, { upstream: source.upstream, package: label })
  }
}
