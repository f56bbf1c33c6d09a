import { createHash } from 'node:crypto'

declare const brand: unique symbol

/** SHA-256 of a blob, as `sha256:` and 64 lower-case hex digits. */
export type Digest = string & { readonly [brand]: 'Digest' }

const pattern = /^sha256:[0-9a-f]{64}$/

export function isDigest(text: string): text is Digest {
  return pattern.test(text)
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return digestFromHex(createHash('sha256').update(bytes).digest('hex'))
}

export function digestFromHex(hex: string): Digest {
  return `sha256:${hex}` as Digest
}

/** The 64 hex digits alone. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
