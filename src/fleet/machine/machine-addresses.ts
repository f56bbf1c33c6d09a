import { LarderError } from '../../core/index.ts'
import { addressNumber, addressText, isWithin } from '../network/address.ts'
import { blockOf, machineMac, type DeclaredNetwork, type DeclaredSubnet } from '../network/declared-network.ts'
import type { OwnAddresses } from '../network/own-addresses.ts'
import type { MachineSpec } from '../place/place.ts'
import { isMade } from './is-made.ts'
import type { MachineConfig, MachinesConfig } from './machine-schema.ts'

export type MachineAddress = MachineSpec['addresses'][number]

/**
 * The address of each machine that Larder makes, in the network of the site: what is written, what is reserved, what it
 * had before, or the next that is free, that this host does not have and that DHCP does not hand out. Machines that exist have
 * addresses of their own, and without a network the place decides: both have none here. FLEET_NETWORK_FULL.
 */
export function machineAddresses(
  machines: MachinesConfig,
  network: DeclaredNetwork | undefined,
  { known, own }: { known: ReadonlyMap<string, string>; own: OwnAddresses },
): Map<string, MachineAddress> {
  const made = Object.entries(machines).filter(([, { at }]) => isMade(at))
  const [first] = network?.subnets ?? []
  if (network === undefined || first === undefined) return new Map()
  const { site } = network
  const taken = new Set(network.subnets.flatMap(spokenFor))
  const assigned = new Map<string, MachineAddress>()
  const assign = (name: string, subnet: DeclaredSubnet, address: string): void => {
    taken.add(address)
    const reservation = subnet.dhcp?.reservations.find((one) => one.name === name)
    const mac = reservation?.mac ?? machineMac(site, subnet.name, name)
    const { name: network, gateway, bridge } = subnet
    const { prefixLength } = blockOf(subnet)
    const names = namesIn(subnet, own)
    const told = { network, address, prefixLength, mac, gateway, ...(names === undefined ? {} : { names }) }
    assigned.set(name, bridge === undefined ? told : { ...told, bridge })
  }
  const pass = (choose: (name: string, machine: MachineConfig) => string | undefined): void => {
    for (const [name, machine] of made) {
      const address = assigned.has(name) ? undefined : choose(name, machine)
      if (address !== undefined) assign(name, subnetOf(network, address) ?? first, address)
    }
  }
  pass((name, machine) => written(name, machine, network))
  pass((name) => keep(known.get(name), network, taken))
  // Who is no longer declared has its address until it is removed; where there is no other, it is removed first.
  const leftOver = [...known].flatMap(([name, address]) => (Object.hasOwn(machines, name) ? [] : [address]))
  const ofHost = own.get(first.name)?.addresses ?? []
  const free = (others: readonly string[]) => nextFree(first, new Set([...taken, ...ofHost, ...others]))
  pass(() => free(leftOver) ?? free([]) ?? refuseFull(first))
  return assigned
}

/** As its DHCP clients do. Undefined where nothing is said: as this host does. */
function namesIn({ name, dns, domain, gateway }: DeclaredSubnet, own: OwnAddresses): MachineAddress['names'] {
  if (dns === 'larder') return { servers: [own.get(name)?.server ?? gateway], domain, isOwn: true }
  return dns.length === 0 ? undefined : { servers: dns, domain, isOwn: false }
}

function written(name: string, { address }: MachineConfig, { subnets }: DeclaredNetwork): string | undefined {
  if (address !== undefined) return address
  const reservations = subnets.flatMap(({ dhcp }) => dhcp?.reservations ?? [])
  return reservations.find((one) => one.name === name)?.address
}

/** What a machine had before is its own, unless that means something else by now. */
function keep(before: string | undefined, network: DeclaredNetwork, taken: ReadonlySet<string>): string | undefined {
  const subnet = before === undefined ? undefined : subnetOf(network, before)
  if (before === undefined || subnet === undefined || taken.has(before)) return undefined
  return isFree(subnet, before) ? before : undefined
}

function subnetOf({ subnets }: DeclaredNetwork, address: string): DeclaredSubnet | undefined {
  const number = addressNumber(address)
  return number === undefined ? undefined : subnets.find((subnet) => isWithin(blockOf(subnet), number))
}

function spokenFor({ gateway, dhcp }: DeclaredSubnet): string[] {
  return [gateway, ...(dhcp?.reservations ?? []).map(({ address }) => address)]
}

/** Of what DHCP hands out, nothing is. */
function isFree(subnet: DeclaredSubnet, address: string): boolean {
  const number = addressNumber(address) ?? 0
  const { first, last } = blockOf(subnet)
  const [from, to] = handedOut(subnet)
  return number > first && number < last && !(number >= from && number <= to)
}

/** The first and the last of them; none where there is no range. */
function handedOut({ dhcp }: DeclaredSubnet): [from: number, to: number] {
  const [from, to] = (dhcp?.range ?? []).map((end) => addressNumber(end))
  return [from ?? Infinity, to ?? -Infinity]
}

function nextFree(subnet: DeclaredSubnet, taken: ReadonlySet<string>): string | undefined {
  const { first, last } = blockOf(subnet)
  const [from, to] = handedOut(subnet)
  for (let number = first + 1; number < last; number++) {
    // A range may be all but a few of millions.
    if (number >= from && number <= to) number = to + 1
    const address = addressText(number)
    if (number < last && !taken.has(address)) return address
  }
  return undefined
}

function refuseFull(subnet: DeclaredSubnet): never {
  throw new LarderError('FLEET_NETWORK_FULL', {
    message: `The network ${subnet.name} (${subnet.subnet}) has no address left for another machine.`,
    hint: 'Make the DHCP range smaller, or the subnet larger.',
    context: { network: subnet.name },
  })
}
