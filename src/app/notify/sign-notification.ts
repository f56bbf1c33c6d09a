import { createHmac } from 'node:crypto'

export interface UnsignedNotification {
  /** The same at every attempt: listeners know by it what they have had. */
  id: string
  at: Date
  /** The body, as it is sent. */
  text: string
}

/** Headers of a signed notification, with one signature for every key. Source: Standard Webhooks 1.0. */
export function signNotification(
  { id, at, text }: UnsignedNotification,
  keys: readonly Buffer[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signatures = keys.map(
    (key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')}`,
  )
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
