import { addressNumber, isWithin } from '../address.ts'
import { blockOf, type DeclaredNetwork } from '../declared-network.ts'
import type { HeldLease, HeldLeases } from '../dhcp-server.ts'
import { assigned, byAddress } from './kea-leases.ts'
import { leaseId } from './lease-id.ts'

/** What Kea 2.2 writes; later ones add columns, and take files without them. Source: Kea, src/lib/dhcpsrv/csv_lease_file4.cc. */
const columns = [
  ...['address', 'hwaddr', 'client_id', 'valid_lifetime', 'expire', 'subnet_id', 'fqdn_fwd', 'fqdn_rev', 'hostname'],
  ...['state', 'user_context'],
]

/** Longer is never: 68 years. */
const longestSeconds = 2 ** 31 - 1

/** The lease file of a Kea that has these leases, each under the number of its subnet. Those of no subnet are left out. Pure. */
export function keaLeaseText(leases: readonly HeldLease[], network: DeclaredNetwork, now: Date): string {
  const start = Math.floor(now.getTime() / 1000)
  const rows = leases.flatMap(({ address, mac, clientId, hostname, expiresAt }) => {
    const number = addressNumber(address) ?? -1
    const subnet = network.subnets.find((candidate) => isWithin(blockOf(candidate), number))
    const seconds = Math.min(Math.ceil(expiresAt.getTime() / 1000) - start, longestSeconds)
    if (subnet === undefined || seconds <= 0) return []
    // A client id of RFC 2132 §9.14 has two bytes at least: Kea takes no row with a shorter one, nor the file.
    const id = clientId.includes(':') ? clientId : ''
    return [[address, mac, id, seconds, start + seconds, leaseId(subnet), 0, 0, hostname, assigned, '']]
  })
  return [columns, ...rows].map((row) => `${row.join(',')}\n`).join('')
}

/** Its files, in the order that it reads them: of each address, what was written last holds. */
export function parseKeaLeaseFiles(texts: readonly string[], now: Date): HeldLeases {
  const byAddressText = new Map<string, HeldLease>()
  let unread = 0
  for (const text of texts) {
    const [head = '', ...lines] = text.split('\n')
    const names = head.split(',')
    for (const line of lines.filter((one) => one !== '')) {
      const row = parseRow(names, line.split(','))
      if (row === undefined) unread++
      else if (row.isHeld) byAddressText.set(row.lease.address, row.lease)
      else byAddressText.delete(row.lease.address)
    }
  }
  const leases = [...byAddressText.values()].filter(({ expiresAt }) => expiresAt > now)
  return { leases: leases.toSorted(byAddress), unread }
}

/** `isHeld`: not one that was given back (it lasts 0 s then), is declined or over. */
function parseRow(
  names: readonly string[],
  values: readonly string[],
): { lease: HeldLease; isHeld: boolean } | undefined {
  const row = Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']))
  const { address = '', hwaddr = '', client_id: clientId = '', hostname = '', state = '0' } = row
  const [seconds, expire] = [row['valid_lifetime'] ?? '', row['expire'] ?? '']
  if (addressNumber(address) === undefined || values.length < names.length) return undefined
  if (![seconds, expire, state].every((number) => /^[0-9]{1,12}$/.test(number))) return undefined
  const lease = { address, mac: hwaddr, clientId, hostname: hostname.replace(/\.$/, ''), expiresAt: dateOf(expire) }
  return { lease, isHeld: Number(seconds) > 0 && Number(state) === assigned }
}

const dateOf = (seconds: string): Date => new Date(Number(seconds) * 1000)
