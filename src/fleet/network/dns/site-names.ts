import { addressNumber, isWithin } from '../address.ts'
import { blockOf, type DeclaredNetwork } from '../declared-network.ts'
import type { Footings, Lease } from '../dhcp-server.ts'

/** A machine and an address of it. */
export interface NamedAddress {
  name: string
  address: string
}

/** Of the host that Larder runs on, unless a machine is called so. */
const ownName = 'larder'

/** Names that mean something to programs wherever they are looked up: no client gets them by calling itself so. */
const meaningful = [ownName, 'localhost', 'wpad', 'isatap']

/**
 * hosts(5) of the site: machines, reservations, what clients call themselves, and Larder, each within its domain and alone. What is
 * declared wins: no client can take the name of a machine, or of another client that had it first. Sorted by address.
 */
export function siteHosts(
  network: DeclaredNetwork,
  { footings, machines, leases }: { footings: Footings; machines: readonly NamedAddress[]; leases: readonly Lease[] },
): string {
  const reserved = network.subnets.flatMap(({ dhcp }) => dhcp?.reservations ?? [])
  const own = Object.values(footings).map(({ address }) => ({ name: ownName, address }))
  const declared = [...machines, ...reserved]
  const named = [...declared, ...own.filter(() => declared.every(({ name }) => name !== ownName))]
  const taken = new Set([...named.map(({ name }) => name), ...meaningful])
  const held = new Set(named.map(({ address }) => address))
  for (const { hostname, address } of leases) {
    const name = hostLabel(hostname)
    if (name === undefined || taken.has(name) || held.has(address)) continue
    taken.add(name)
    named.push({ name, address })
  }
  const lines = named
    .toSorted((left, right) => (addressNumber(left.address) ?? 0) - (addressNumber(right.address) ?? 0))
    .map(({ name, address }) => `${address} ${name}.${domainOf(network, address)} ${name}\n`)
  return [...new Set(lines)].join('')
}

/** What a client calls itself, without its domain, where it is a name at all (RFC 1123 §2.1). */
function hostLabel(hostname: string): string | undefined {
  const label = hostname.toLowerCase().split('.')[0] ?? ''
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label) ? label : undefined
}

function domainOf(network: DeclaredNetwork, address: string): string {
  const number = addressNumber(address) ?? -1
  const subnet = network.subnets.find((candidate) => isWithin(blockOf(candidate), number))
  return subnet?.domain ?? `${network.site}.internal`
}
