import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether a digest in hex is HMAC-SHA256 of these bytes under one of the secrets. Several secrets are for the time of a
 * rotation. An empty secret or digest never passes; all secrets are tried, so that the time taken does not depend on
 * which one fits or where a digest differs.
 */
export function isHmacSha256(bytes: Uint8Array, hex: string | undefined, secrets: readonly string[]): boolean {
  if (hex === undefined || !/^[0-9a-f]{64}$/i.test(hex)) return false
  const given = Buffer.from(hex, 'hex')
  let isValid = false
  for (const secret of secrets) {
    if (secret === '') continue
    if (timingSafeEqual(createHmac('sha256', secret).update(bytes).digest(), given)) isValid = true
  }
  return isValid
}

/** Whether two texts are the same, in a time that does not tell where they differ. Empty ones never are. */
export function isSameSecret(given: string | undefined, secrets: readonly string[]): boolean {
  if (given === undefined || given === '') return false
  let isValid = false
  for (const secret of secrets) {
    // Digests have one length, which timingSafeEqual asks for and which does not give away that of the secret.
    const same = timingSafeEqual(digestOf(given), digestOf(secret))
    if (secret !== '' && same) isValid = true
  }
  return isValid
}

function digestOf(text: string): Buffer {
  return createHmac('sha256', 'compare').update(text).digest()
}
