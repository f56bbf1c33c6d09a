import type { RawDelivery } from '../forge.ts'
import { isHmacSha256 } from '../signature.ts'

/**
 * Gitea signs the JSON, also where it sends it as a form, and says so in bare hex. Without a secret it sends an empty
 * signature, which never passes. Source: Gitea documentation, "Webhooks"; Forgejo keeps both.
 */
export function verifyGitea({ headers, text }: RawDelivery, secrets: readonly string[]): boolean {
  return isHmacSha256(Buffer.from(text), headers['x-forgejo-signature'] ?? headers['x-gitea-signature'], secrets)
}
