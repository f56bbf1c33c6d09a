import { isLarderError } from '../../core/index.ts'
import { bridgeName, readInterfaces, type Interface, type InterfaceRoom } from './bridge.ts'
import type { DeclaredNetwork, DeclaredSubnet } from './declared-network.ts'
import { footingOf, interfacesIn } from './footing.ts'

/** What this host has in a subnet. */
export interface OwnInSubnet {
  /** Whom machines there ask for names, where that is not the gateway. */
  server: string | undefined
  /** All that it has there; those of interfaces that Larder makes, which have that of the gateway, are not said. */
  addresses: readonly string[]
}

/** By name of subnet. */
export type OwnAddresses = ReadonlyMap<string, OwnInSubnet>

/** As `ownAddresses`, of the interfaces that are here now; nothing where nobody can tell them. FLEET_NETWORK_INTERFACE_MISSING. */
export async function findOwnAddresses(
  network: DeclaredNetwork | undefined,
  room: InterfaceRoom = {},
): Promise<OwnAddresses> {
  if (network === undefined || network.subnets.length === 0) return new Map()
  try {
    return ownAddresses(network, await readInterfaces(room))
  } catch (error) {
    if (!isLarderError(error, 'TOOL_MISSING')) throw error
    return new Map()
  }
}

/** Pure. */
export function ownAddresses({ site, subnets }: DeclaredNetwork, interfaces: readonly Interface[]): OwnAddresses {
  return new Map(subnets.map((subnet) => [subnet.name, ownIn(subnet, { site, interfaces })]))
}

/** Interfaces that Larder makes come, and change their address, while a run is at work: what it plans by must not change with them. */
function ownIn(
  subnet: DeclaredSubnet,
  { site, interfaces }: { site: string; interfaces: readonly Interface[] },
): OwnInSubnet {
  const isMade = (name: string): boolean => name === subnet.bridge || name === bridgeName(site, subnet.name)
  const footing = footingOf(subnet, interfaces)
  return {
    server: footing === undefined || isMade(footing.interface) ? undefined : footing.address,
    addresses: interfacesIn(subnet, interfaces).flatMap(({ name, addresses }) => (isMade(name) ? [] : addresses)),
  }
}
