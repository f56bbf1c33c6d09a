import type { FastifyRequest } from 'fastify'
import { LarderError } from '../../core/index.ts'

/**
 * Address by which this client reaches us, without a slash at the end: the configured one, or the one it asked for.
 * USAGE for a Host that is no host, since it goes into scripts that people run.
 */
export function baseUrlOf(request: FastifyRequest, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
  if (!isHost(request.host)) {
    throw new LarderError('USAGE', {
      message: 'The Host header of the request is not the name of a host.',
      hint: 'Ask by a name or address of this machine, or configure the public address.',
    })
  }
  return `${request.protocol === 'https' ? 'https' : 'http'}://${request.host.toLowerCase()}`
}

/** A name, an IPv4 or a bracketed IPv6 address, with an optional port. Source: RFC 3986 §3.2.2, RFC 1123 §2.1. */
export function isHost(text: string): boolean {
  const [, host = '', port] = /^([a-z0-9._-]+|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/i.exec(text) ?? []
  return host !== '' && host.length <= 253 && (port === undefined || Number(port) <= 65_535)
}
