import { createHmac, timingSafeEqual } from 'node:crypto'
import type { RawDelivery } from '../forge.ts'
import { isSameSecret } from '../signature.ts'

/** How far the time that was signed may be from ours. Source: Standard Webhooks, "Verifying webhook authenticity". */
const mostDriftMs = 5 * 60_000

/**
 * GitLab either sends its secret as it is, in X-Gitlab-Token, or signs per Standard Webhooks. A delivery that carries a
 * signature is judged by it alone. Source: GitLab documentation, "Webhooks"; Standard Webhooks 1.0.
 */
export function verifyGitlab({ headers, bytes }: RawDelivery, secrets: readonly string[], now: Date): boolean {
  if (headers['webhook-signature'] === undefined) return isSameSecret(headers['x-gitlab-token'], secrets)
  const id = headers['webhook-id'] ?? ''
  const timestamp = headers['webhook-timestamp'] ?? ''
  if (id === '' || !/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(Number(timestamp) * 1000 - now.getTime()) > mostDriftMs) return false
  // `v1,<base64>`, several of them with spaces in between while a secret is replaced.
  const given = headers['webhook-signature'].split(' ').flatMap((one) => /^v1,(.{44})$/.exec(one)?.slice(1) ?? [])
  let isValid = false
  for (const secret of secrets) {
    const key = keyOf(secret)
    if (key.length === 0) continue
    const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(bytes).digest()
    for (const one of given) {
      const bytesOfOne = Buffer.from(one, 'base64')
      if (bytesOfOne.length === digest.length && timingSafeEqual(bytesOfOne, digest)) isValid = true
    }
  }
  return isValid
}

/** `whsec_` and base64, or the text itself. */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
}
