import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether `signature`, the value of X-Hub-Signature-256, was made over these raw bytes with one of the secrets.
 * Several secrets are for the time of a rotation. An empty secret or signature never passes; the time taken does
 * not depend on where a signature differs.
 * Source: GitHub documentation, "Validating webhook deliveries".
 */
export function verifyGithubSignature(
  body: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(signature ?? '')?.[1]
  if (hex === undefined) return false
  const given = Buffer.from(hex, 'hex')
  let valid = false
  for (const secret of secrets) {
    if (secret === '') continue
    const expected = createHmac('sha256', secret).update(body).digest()
    // No early end: all secrets are always tried.
    if (timingSafeEqual(expected, given)) valid = true
  }
  return valid
}
