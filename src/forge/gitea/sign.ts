import { createHmac } from 'node:crypto'
import type { Forge } from '../forge.ts'

/** Headers that Gitea and Forgejo send with a payload, those of GitHub included. Source: Gitea documentation, "Webhooks". */
export const signGitea: Forge['sign'] = ({ event, text, deliveryId, secret }) => {
  const digest = createHmac('sha256', secret).update(text).digest('hex')
  return {
    'content-type': 'application/json',
    'x-gitea-event': event,
    'x-gitea-delivery': deliveryId,
    'x-gitea-signature': digest,
    'x-github-event': event,
    'x-github-delivery': deliveryId,
    'x-hub-signature-256': `sha256=${digest}`,
  }
}
