import { addressNumber } from '../address.ts'
import type { Lease } from '../dhcp-server.ts'
import { asObject } from './kea-control.ts'

/** State of a lease that somebody has; others are declined, or over. Source: Kea Administrator Reference Manual 2.2, §16.14. */
export const assigned = 0

/** What `lease4-get-all` answers, by address, without those that are over by then. */
export function parseLeases(given: Readonly<Record<string, unknown>>, now: Date): Lease[] {
  const leases = Array.isArray(given['leases']) ? (given['leases'] as unknown[]) : []
  return leases
    .flatMap((written) => {
      const {
        'ip-address': address,
        'hw-address': mac,
        hostname,
        cltt,
        'valid-lft': seconds,
        state,
      } = asObject(written)
      if (typeof address !== 'string' || typeof cltt !== 'number' || typeof seconds !== 'number') return []
      const expiresAt = new Date((cltt + seconds) * 1000)
      if (state !== assigned || expiresAt <= now || addressNumber(address) === undefined) return []
      const name = typeof hostname === 'string' ? hostname.replace(/\.$/, '') : ''
      return [{ address, mac: typeof mac === 'string' ? mac : '', hostname: name, expiresAt }]
    })
    .toSorted(byAddress)
}

export function byAddress(left: Lease, right: Lease): number {
  return (addressNumber(left.address) ?? 0) - (addressNumber(right.address) ?? 0)
}
