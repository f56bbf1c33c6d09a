import { createHmac } from 'node:crypto'
import type { Forge } from '../forge.ts'

/** Headers that GitHub sends with a payload. Source: GitHub documentation, "Validating webhook deliveries". */
export const signGithub: Forge['sign'] = ({ event, text, deliveryId, secret }) => ({
  'content-type': 'application/json',
  'x-github-event': event,
  'x-github-delivery': deliveryId,
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`,
})
