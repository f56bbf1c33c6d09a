import { isHmacSha256 } from '../signature.ts'

/**
 * Whether `signature`, the value of X-Hub-Signature-256, was made over these raw bytes with one of the secrets.
 * Source: GitHub documentation, "Validating webhook deliveries".
 */
export function verifyGithubSignature(
  body: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean {
  return isHmacSha256(body, /^sha256=(.*)$/.exec(signature ?? '')?.[1], secrets)
}
