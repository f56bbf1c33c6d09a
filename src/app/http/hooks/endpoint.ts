import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Log } from '../../../core/index.ts'
import type { Forge } from '../../../forge/index.ts'
import type { Controller } from '../../controller.ts'
import { createClientAddress, type ClientAddress } from '../client-address.ts'
import { errorAnswer } from '../error-answer.ts'
import { RefusalLimit } from '../refusal-limit.ts'
import { acceptDelivery } from './accept-delivery.ts'
import { readHookBytes } from './hook-body.ts'

export interface HookEndpointOptions {
  controller: Pick<Controller, 'acceptDelivery'>
  log: Log
  clock: Clock
  /** Undefined: no forge is configured, and every delivery is told so. */
  hooks: { forge: Forge; secrets: () => readonly string[] } | undefined
  trustedProxies: readonly string[] | undefined
  limits: { refusedHooksPerMinute: number; hookBytes: number }
  onAnswered: (status: number) => void
}

/**
 * `POST /hooks/<forge>` on the bare HTTP server, before the web framework: verified over the raw bytes, durable before
 * 2xx, the same delivery once. Answers false for other requests.
 */
export function createHookEndpoint(
  options: HookEndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const endpoint = new HookEndpoint(options)
  return (request, response) => {
    const name = request.method === 'POST' ? /^\/hooks\/([\w.-]{1,50})(?:\?|$)/.exec(request.url ?? '')?.[1] : undefined
    if (name === undefined) return false
    endpoint.answer(request, response, name).catch(() => response.destroy())
    return true
  }
}

class HookEndpoint {
  readonly #options: HookEndpointOptions
  readonly #refusals: RefusalLimit
  readonly #addressOf: ClientAddress

  constructor(options: HookEndpointOptions) {
    this.#options = options
    this.#refusals = new RefusalLimit(options.clock, {
      perMinute: options.limits.refusedHooksPerMinute,
      how: 'signed with the secret of this hook',
    })
    this.#addressOf = createClientAddress(options.trustedProxies)
  }

  /** Fails only when nothing can be said any more. */
  async answer(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    try {
      const { limits } = this.#options
      this.#refusals.check(this.#addressOf(request))
      const bytes = await readHookBytes(request, limits.hookBytes)
      // Whoever has gone away is not answered: nothing of it was kept.
      if (bytes === undefined) return
      const accepted = await acceptDelivery(this.#options, name, request.headers, bytes)
      this.#send(response, accepted.status === 'accepted' ? 202 : 200, JSON.stringify(accepted))
    } catch (error) {
      const { method = '', url = '' } = request
      const { status, text } = errorAnswer(error, { method, url }, this.#options.log)
      if (status >= 400 && status < 500) this.#refusals.refused(this.#addressOf(request))
      this.#send(response, status, text)
    }
  }

  #send(response: ServerResponse, status: number, text: string): void {
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    response.end(text)
    this.#options.onAnswered(status)
  }
}
