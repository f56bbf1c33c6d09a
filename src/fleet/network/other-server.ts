import { LarderError } from '../../core/index.ts'
import type { DeclaredNetwork } from './declared-network.ts'
import type { Footings } from './dhcp-server.ts'
import type { NetworkRoom } from './network-room.ts'
import { probeDhcp } from './probe/probe.ts'

/** Servers that look whether an address is free before they offer it need more than a second (dnsmasq: 3 s). */
const windowMs = 4000

/** Networks in which ours has begun to hand out addresses on its own. */
export function servedAlone({ subnets }: DeclaredNetwork): Set<string> {
  return new Set(subnets.filter(({ dhcp }) => dhcp?.allowOther === false).map(placeOf))
}

function placeOf({ subnet, interface: device, bridge }: DeclaredNetwork['subnets'][number]): string {
  return JSON.stringify([subnet, bridge ?? device ?? null])
}

/**
 * Looks for other DHCP servers before ours begins to answer: two that hand out the same addresses break both. Networks with
 * `allowOther` are left out, and those that are `served` already. FLEET_NETWORK_OTHER_DHCP. Where it cannot be looked, since a
 * DHCP client of this host has the port for itself, the log says so.
 */
export async function refuseOtherServers(
  network: DeclaredNetwork,
  { footings, served }: { footings: Footings; served: ReadonlySet<string> },
  room: NetworkRoom,
): Promise<void> {
  const alone = servedAlone(network)
  const asked = network.subnets.filter((subnet) => {
    const place = placeOf(subnet)
    return alone.has(place) && !served.has(place) && footings[subnet.name] !== undefined
  })
  // One after the other: each needs the same port.
  for (const { name } of asked) {
    const { address = '', interface: device = '' } = footings[name] ?? {}
    const probed = await probeDhcp(room, address, windowMs)
    if ('error' in probed) {
      room.log.warn('other DHCP servers could not be looked for', {
        network: name,
        interface: device,
        reason: probed.error,
      })
      continue
    }
    // Ours, where a run was cut off after it had been told.
    const other = probed.found.find(({ server }) => server !== address)
    if (other === undefined) continue
    throw new LarderError('FLEET_NETWORK_OTHER_DHCP', {
      message: `A DHCP server at ${other.server} answers in network ${name} (${device}), and offers ${other.address}.`,
      hint: 'Stop it; or, where both know of each other, set dhcp.allowOther: true.',
      context: { network: name, interface: device, server: other.server },
    })
  }
}
