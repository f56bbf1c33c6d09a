import { LarderError } from '../../core/index.ts'
import { addressNumber, isWithin } from './address.ts'
import {
  dropAddress,
  ensureBridge,
  readInterfaces,
  removeBridge,
  type BridgeAddress,
  type Interface,
} from './bridge.ts'
import { blockOf, type DeclaredNetwork, type DeclaredSubnet } from './declared-network.ts'
import type { Footing, Footings } from './dhcp-server.ts'
import type { NetworkRoom } from './network-room.ts'

/**
 * Where each subnet is on this host: its interface, and our address in it. A subnet that only names are served in may be without
 * (its bridge may be made later); one with DHCP may not: FLEET_NETWORK_INTERFACE_MISSING.
 */
export async function findFootings(network: DeclaredNetwork, room: NetworkRoom): Promise<Footings> {
  const { footings, missing } = await lookForFootings(network, room)
  if (missing[0] !== undefined) throw missing[0]
  return footings
}

/** As `findFootings`; of each subnet with DHCP that has none, it answers why. FLEET_NETWORK_INTERFACE_MISSING. */
export async function lookForFootings(
  network: DeclaredNetwork,
  room: NetworkRoom,
): Promise<{ footings: Footings; missing: LarderError[] }> {
  const interfaces = await readInterfaces(room)
  // A network may be called `constructor`: what is not here must not be found.
  const footings = Object.create(null) as Record<string, Footing>
  const missing: LarderError[] = []
  for (const subnet of network.subnets) {
    const footing = footingOf(subnet, interfaces)
    if (footing !== undefined) footings[subnet.name] = footing
    else if (subnet.dhcp !== undefined) missing.push(lacking(subnet, interfaces))
  }
  return { footings, missing }
}

/** Makes the bridges that larder.yaml asks for, with the addresses of their gateways. Idempotent. */
export async function ensureBridges(network: DeclaredNetwork, room: NetworkRoom): Promise<void> {
  for (const subnet of network.subnets) {
    if (subnet.bridge === undefined && subnet.fallbackBridge === undefined) continue
    const interfaces = await readInterfaces(room)
    const { gateway } = subnet
    const bridge = subnet.bridge ?? (footingOf(subnet, interfaces) === undefined ? subnet.fallbackBridge : undefined)
    if (bridge === undefined) continue
    await ensureBridge({ name: bridge, address: gateway, prefixLength: blockOf(subnet).prefixLength }, room)
  }
}

/** Takes addresses that gateways had from bridges that stay: the host would go on to answer there. */
export async function dropFormerAddresses(
  before: DeclaredNetwork,
  network: DeclaredNetwork,
  room: NetworkRoom,
): Promise<void> {
  const wanted = bridgeAddresses(network)
  const isSame = (one: BridgeAddress, other: BridgeAddress): boolean =>
    one.name === other.name && one.address === other.address && one.prefixLength === other.prefixLength
  for (const one of bridgeAddresses(before)) {
    const stays = wanted.some(({ name }) => name === one.name)
    if (stays && !wanted.some((other) => isSame(one, other))) await dropAddress(one, room)
  }
}

function bridgeAddresses({ subnets }: DeclaredNetwork): BridgeAddress[] {
  return subnets.flatMap((subnet) => {
    const name = subnet.bridge ?? subnet.fallbackBridge
    return name === undefined ? [] : [{ name, address: subnet.gateway, prefixLength: blockOf(subnet).prefixLength }]
  })
}

/** Bridges that a network is at, where it has any of Larder's. */
export function bridgesOf({ subnets }: DeclaredNetwork): string[] {
  return subnets.flatMap(({ bridge, fallbackBridge }) => bridge ?? fallbackBridge ?? [])
}

/** Removes those that Larder made and nobody is at. Answers the others: somebody still is. */
export async function removeBridges(names: readonly string[], room: NetworkRoom): Promise<string[]> {
  const left: string[] = []
  for (const name of names) if (!(await removeBridge(name, room))) left.push(name)
  return left
}

/** Pure. */
export function footingOf(subnet: DeclaredSubnet, interfaces: readonly Interface[]): Footing | undefined {
  for (const { name, addresses } of interfacesIn(subnet, interfaces)) {
    const address = addresses.includes(subnet.gateway) ? subnet.gateway : addresses[0]
    if (address !== undefined) return { interface: name, address }
  }
  return undefined
}

/** Those that a subnet may be at, with the addresses that they have in it. */
export function interfacesIn(subnet: DeclaredSubnet, interfaces: readonly Interface[]): Interface[] {
  const block = blockOf(subnet)
  const candidates = interfaces.filter(({ name }) => subnet.interface === undefined || name === subnet.interface)
  return candidates.map(({ name, addresses }) => {
    return { name, addresses: addresses.filter((address) => isWithin(block, addressNumber(address) ?? -1)) }
  })
}

function lacking({ name, subnet, interface: wanted }: DeclaredSubnet, interfaces: readonly Interface[]): LarderError {
  const has = interfaces.map((one) => `${one.name} (${one.addresses.join(', ') || 'no address'})`).join(', ')
  const what =
    wanted === undefined ? 'No interface of this host has' : `The interface ${wanted} is not here, or has not`
  return new LarderError('FLEET_NETWORK_INTERFACE_MISSING', {
    message: `${what} an address in ${subnet}, network ${name}. There are: ${has}.`,
    hint: 'Give it one, name the interface by `interface`, or have Larder make a bridge by `bridge: larder0`.',
    context: { network: name, subnet },
  })
}
