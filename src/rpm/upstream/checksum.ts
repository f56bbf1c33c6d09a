import { createHash } from 'node:crypto'
import { hexOf, LarderError, type Digest } from '../../core/index.ts'
import type { BlobStore, Expectation } from '../../store/index.ts'
import type { RepomdChecksum } from '../repomd.ts'

/** What the store is to check itself while bytes arrive. RPM_CHECKSUM_REFUSED. */
export function expectationOf(checksum: RepomdChecksum, sizeBytes: number | undefined, label: string): Expectation {
  refuseWeak(checksum, label)
  const { type, hex } = checksum
  return {
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(type === 'sha256' ? { sha256: hex } : {}),
    ...(type === 'sha512' ? { sha512: hex } : {}),
  }
}

/** Looks at a stored file where the store did not: what is promised by neither SHA-256 nor SHA-512. DIGEST_MISMATCH. */
export async function checkStored(
  store: BlobStore,
  digest: Digest,
  { checksum, label }: { checksum: RepomdChecksum; label: string },
): Promise<void> {
  refuseWeak(checksum, label)
  const { type, hex } = checksum
  if (type === 'sha512') return
  const found = type === 'sha256' ? hexOf(digest) : await hashStored(store, digest, type)
  if (found === hex) return
  throw new LarderError('DIGEST_MISMATCH', {
    message: `${label}: the bytes that arrived have ${type} ${found}, ${hex} was promised.`,
    context: { expected: hex, found },
  })
}

/** `sha256:…`, for keys. */
export function nameOf({ type, hex }: RepomdChecksum): string {
  return `${type}:${hex}`
}

async function hashStored(store: BlobStore, digest: Digest, algorithm: string): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of (await store.read(digest)) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

/** Digits of what proves something. MD5 does not; SHA-1 is what older distributions have, under a signature. */
const digits: Record<string, number> = { sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 }

function refuseWeak({ type, hex }: RepomdChecksum, label: string): void {
  if (digits[type] === hex.length) return
  throw new LarderError('RPM_CHECKSUM_REFUSED', {
    message: `${label} is promised by ${type} ${hex.slice(0, 140)}`,
    hint: `one of ${Object.keys(digits).join(', ')} is needed; ask the publisher for sha256`,
  })
}
