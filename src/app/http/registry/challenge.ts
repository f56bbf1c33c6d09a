import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { isHost } from '../base-url.ts'

interface ChallengeOptions {
  publicUrl: string | undefined
  wanted: { name: string; actions: string } | undefined
}

/**
 * Tells a client where to get a token, and for what. Over TLS of ours that is where it asked; behind a proxy, the
 * public address. Source: RFC 6750 §3, Docker registry token specification.
 */
export function challengeOf(request: IncomingMessage, { publicUrl, wanted }: ChallengeOptions): string {
  const scope = wanted === undefined ? '' : `,scope="repository:${quoted(wanted.name)}:${wanted.actions}"`
  return `Bearer realm="${addressOf(request, publicUrl)}/v2/token",service="larder"${scope}`
}

function addressOf(request: IncomingMessage, publicUrl: string | undefined): string {
  const isOurTls = (request.socket as Partial<TLSSocket>).encrypted === true
  if (!isOurTls && publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
  const { host = '' } = request.headers
  return `${isOurTls ? 'https' : 'http'}://${isHost(host) ? host : 'localhost'}`
}

/** What is inside quotes. */
function quoted(text: string): string {
  return text.replace(/[^a-z0-9._/-]/gi, '').slice(0, 255)
}
