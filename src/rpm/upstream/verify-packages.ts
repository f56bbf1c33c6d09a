import { isLarderError, LarderError, type Digest } from '../../core/index.ts'
import type { BlobStore } from '../../store/index.ts'
import { rpmInStore, verifyRpm } from '../header/index.ts'
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
}

/** A public-key operation each: more at once would only wait for each other. */
const atOnce = 4
/** What was found good is written down in between, so that a run that ends early need not look at it again. */
const batch = 256

/**
 * Verifies the vendor's signature of each package whose bytes no trusted key was found to have signed before.
 * SIGNATURE_*, RPM_MALFORMED, BLOB_MISSING, CANCELLED.
 */
export async function verifyPackages(verifying: Verifying, packages: readonly UnverifiedPackage[]): Promise<void> {
  for (const group of Map.groupBy(packages, ({ repository }) => repository).values()) {
    const { keyring } = group[0]!.repository.source
    if (keyring === undefined) continue
    const known = await verifying.verified.by(keyring)
    const open = group.filter(({ digest }) => !known.has(digest))
    for (let start = 0; start < open.length; start += batch) {
      const some = open.slice(start, start + batch)
      await verifyEach(verifying, some)
      await verifying.verified.add(
        keyring,
        some.map(({ digest }) => digest),
      )
    }
  }
}

async function verifyEach(verifying: Verifying, packages: readonly UnverifiedPackage[]): Promise<void> {
  const queue = packages.values()
  const work = async (): Promise<void> => {
    for (const one of queue) {
      verifying.signal.throwIfAborted()
      await verifyOne(verifying, one)
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, work))
  const failure = ended.find((end) => end.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}

async function verifyOne(
  { store, now }: Verifying,
  { label, digest, repository: { source } }: UnverifiedPackage,
): Promise<void> {
  try {
    await verifyRpm(await rpmInStore(store, digest, label), source.keyring!, { now })
  } catch (error) {
    if (!isLarderError(error)) throw error
    throw new LarderError(error.code, {
      message: `${describe(source)}: ${error.message}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
      context: { ...error.context, upstream: source.upstream, package: label },
    })
  }
}
