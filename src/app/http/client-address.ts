import { BlockList, isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'

export type ClientAddress = (request: IncomingMessage) => string

/**
 * Where a request came from: the nearest address that is none of our own proxies, by X-Forwarded-For read from its end.
 * `trusted`: addresses and networks (`10.0.0.0/8`) of those proxies. Default: none, and what they say is not looked at.
 */
export function createClientAddress(trusted: readonly string[] = []): ClientAddress {
  if (trusted.length === 0) return (request) => remoteOf(request)
  const proxies = listOf(trusted)
  const isProxy = (address: string): boolean => {
    const family = isIP(address)
    return family !== 0 && proxies.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (request) => {
    const said = String(request.headers['x-forwarded-for'] ?? '').split(',')
    let address = remoteOf(request)
    while (isProxy(address)) {
      const before = said.pop()?.trim() ?? ''
      if (before === '') break
      address = before
    }
    return address
  }
}

function listOf(trusted: readonly string[]): BlockList {
  const list = new BlockList()
  for (const one of trusted) {
    const [address = '', bits] = one.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** A socket that listens on both families writes IPv4 addresses as IPv6. */
function remoteOf({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
}
