import { BlockList, isIP } from 'node:net'

/**
 * Whether an upstream is on this host or in a network of one's own, where bytes come quicker than xz unpacks them: by its
 * address alone, without asking DNS. Loopback, RFC 1918, link-local and unique local addresses, `localhost`, `file:`.
 */
export function isNear(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'file:') return true
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(address)
  if (family === 0) return /(?:^|\.)localhost$/.test(address)
  return near.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

const near = new BlockList()
near.addSubnet('127.0.0.0', 8)
near.addSubnet('10.0.0.0', 8)
near.addSubnet('172.16.0.0', 12)
near.addSubnet('192.168.0.0', 16)
near.addSubnet('169.254.0.0', 16)
near.addAddress('::1', 'ipv6')
near.addSubnet('fc00::', 7, 'ipv6')
near.addSubnet('fe80::', 10, 'ipv6')
