import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { LarderError, parseRetryAfter } from '../../core/index.ts'
import type { HttpSend } from '../../forge/index.ts'
import type { Outbox, OutboxHandler } from '../../pipeline/index.ts'
import type { ListenerConfig, NotificationEvent } from '../config/controller-config.ts'
import { readOrMakeNotifySecrets } from './notify-secret.ts'
import { signNotification } from './sign-notification.ts'

/** Tells those who are named in controller.yaml what happens. */
export interface Notifier {
  /** Durable when it returns; never waits for a listener. `data`: JSON. */
  notify(event: NotificationEvent, data: object): Promise<void>
}

export interface NotifierOptions {
  listeners: readonly ListenerConfig[]
  outbox: Pick<Outbox, 'enqueue'>
  now: () => Date
}

export function createNotifier({ listeners, outbox, now }: NotifierOptions): Notifier {
  return {
    async notify(event, data) {
      const body = { type: event, timestamp: now().toISOString(), data }
      for (const { url, events } of listeners) {
        if (!events.includes(event)) continue
        const id = `msg_${randomUUID()}`
        // A topic of its own: none replaces another.
        const message: OwedNotification = { url, id, text: JSON.stringify(body) }
        await outbox.enqueue({ kind: 'notification', recipient: url, topic: `notification/${id}`, body: message })
      }
    },
  }
}

interface OwedNotification {
  url: string
  id: string
  text: string
}

export interface NotificationHandlerOptions {
  listeners: readonly ListenerConfig[]
  /** Root of the data folder: files of secrets are relative to it. */
  root: string
  send: HttpSend
  now: () => Date
}

/** Sends what a notifier enqueued. Reads the secrets at once, and makes those that are missing. CONFIG_INVALID. */
export async function createNotificationHandler(options: NotificationHandlerOptions): Promise<OutboxHandler> {
  const { listeners, root, send, now } = options
  const keys = new Map<string, Buffer[]>()
  for (const { url, secretFile } of listeners) {
    keys.set(url, await readOrMakeNotifySecrets(resolve(root, secretFile)))
  }
  return async (body, signal) => {
    const { url, id, text } = body as OwedNotification
    const signedBy = keys.get(url)
    if (signedBy === undefined) {
      throw new LarderError('NOTIFY_GONE', { message: `${hostOf(url)} is no longer in controller.yaml.` })
    }
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Larder',
      ...signNotification({ id, at: now(), text }, signedBy),
    }
    const { status, headers: answer } = await send({ method: 'POST', url, headers, body: text }, signal)
    if (status >= 200 && status < 300) return
    throw refusal(url, status, parseRetryAfter(answer['retry-after'], now()))
  }
}

/** What listeners answer otherwise counts as not taken; 410 is for ever. Source: Standard Webhooks 1.0, "Operational considerations". */
function refusal(url: string, status: number, waitMs: number | undefined): LarderError {
  const message = `${hostOf(url)} answered a notification with ${status}.`
  if (status === 410) return new LarderError('NOTIFY_GONE', { message })
  return new LarderError('NOTIFY_FAILED', {
    message,
    context: { status, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) },
  })
}

/** The rest of an address may be a secret. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'a listener')
