import { createHmac } from 'node:crypto'
import type { Forge } from '../forge.ts'

/**
 * Headers that GitLab sends with a payload: the secret as it is, or, for a secret that begins with `whsec_`, a
 * signature. Source: GitLab documentation, "Webhooks"; Standard Webhooks 1.0.
 */
export const signGitlab: Forge['sign'] = ({ event, text, deliveryId, secret, now }) => {
  const common = { 'content-type': 'application/json', 'x-gitlab-event': event, 'x-gitlab-event-uuid': deliveryId }
  if (!secret.startsWith('whsec_')) return { ...common, 'x-gitlab-token': secret }
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const digest = createHmac('sha256', key).update(`${deliveryId}.${timestamp}.${text}`).digest('base64')
  return { ...common, 'webhook-id': deliveryId, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` }
}
