import { createHmac } from 'node:crypto'
import type { Forge } from '../forge.ts'

/** Of events, by what payloads call them (`object_kind`). */
const names: Readonly<Record<string, string>> = {
  push: 'Push Hook',
  tag_push: 'Tag Push Hook',
  merge_request: 'Merge Request Hook',
  note: 'Note Hook',
}

/**
 * Headers that GitLab sends with a payload: the secret as it is, or, for a secret that begins with `whsec_`, a
 * signature. Source: GitLab documentation, "Webhooks"; Standard Webhooks 1.0.
 */
export const signGitlab: Forge['sign'] = ({ event, text, deliveryId, secret, now }) => {
  const name = Object.hasOwn(names, event) ? names[event] : event
  const common = { 'content-type': 'application/json', 'x-gitlab-event': name!, 'x-gitlab-event-uuid': deliveryId }
  if (!secret.startsWith('whsec_')) return { ...common, 'x-gitlab-token': secret }
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const digest = createHmac('sha256', key).update(`${deliveryId}.${timestamp}.${text}`).digest('base64')
  return { ...common, 'webhook-id': deliveryId, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` }
}
