import { LarderError } from '../../core/index.ts'
import { addressNumber, isWithin } from './address.ts'
import { readInterfaces } from './bridge.ts'
import { rangeOf } from './checked-subnet.ts'
import type { DeclaredSubnet } from './declared-network.ts'
import type { Footing, Footings } from './dhcp-server.ts'
import type { NetworkRoom } from './network-room.ts'
import type { NetworkState } from './network-state.ts'

type Wanted = Pick<NetworkState, 'network' | 'names'>

/**
 * Refuses addresses of this host that others would get, or have: no server leaves out its own by itself, and files do not say
 * it where the gateway is somebody else. FLEET_NETWORK_OWN_ADDRESS.
 */
export async function refuseOwnAddresses(wanted: Wanted, footings: Footings, room: NetworkRoom): Promise<void> {
  const macs = new Set((await readInterfaces(room)).map(({ mac }) => mac))
  const clash = ownAddressClash(wanted, footings, macs)
  if (clash !== undefined) throw clash
}

/** The first; undefined: there is none. `macs`: hardware addresses of this host. Pure. */
export function ownAddressClash(
  { network, names }: Wanted,
  footings: Footings,
  macs: ReadonlySet<string>,
): LarderError | undefined {
  for (const subnet of network.subnets) {
    const footing = footings[subnet.name]
    if (footing === undefined || isOfLarder(subnet, footing)) continue
    const machine = names.find(({ address }) => address === footing.address)?.name
    const clash = machine === undefined ? clashOfDhcp(subnet, footing, macs) : clashOfMachine(machine, footing)
    if (clash === undefined) continue
    const { message, hint } = clash
    const context = { network: subnet.name, interface: footing.interface, address: footing.address }
    return new LarderError('FLEET_NETWORK_OWN_ADDRESS', {
      message: `Network ${subnet.name}: ${message}`,
      hint,
      context,
    })
  }
  return undefined
}

/** It has the address of the gateway, or will have: that was checked with the files. */
function isOfLarder({ bridge, fallbackBridge, gateway }: DeclaredSubnet, footing: Footing): boolean {
  return footing.address === gateway || footing.interface === (bridge ?? fallbackBridge)
}

interface Clash {
  message: string
  hint: string
}

function clashOfMachine(name: string, { address, interface: device }: Footing): Clash {
  return {
    message: `${address} is the address of machine ${name}, and that of this host at ${device}.`,
    hint: `Declare another one, as the address of ${name} or in its reservation.`,
  }
}

function clashOfDhcp(
  { dhcp }: DeclaredSubnet,
  { address, interface: device }: Footing,
  macs: ReadonlySet<string>,
): Clash | undefined {
  if (dhcp === undefined) return undefined
  const reserved = dhcp.reservations.find((one) => one.address === address)
  if (reserved !== undefined) {
    // Nobody else gets what this host has for itself.
    if (macs.has(reserved.mac)) return undefined
    return {
      message: `${address} is reserved for ${reserved.name}, and is the address of this host at ${device}.`,
      hint: `Reserve another one for ${reserved.name}; if that is this host, with the hardware address of ${device} as mac.`,
    }
  }
  if (!isWithin(rangeOf(dhcp.range), addressNumber(address) ?? -1)) return undefined
  return {
    message: `${address}, the address of this host at ${device}, is in the range that is handed out, ${dhcp.range.join(' to ')}.`,
    hint: `Move dhcp.range, so that ${address} is not in it, or give this host another address.`,
  }
}
