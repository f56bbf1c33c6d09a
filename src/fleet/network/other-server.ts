import { LarderError } from '../../core/index.ts'
import type { DeclaredNetwork } from './declared-network.ts'
import type { Footings } from './dhcp-server.ts'
import type { NetworkRoom } from './network-room.ts'
import { probeDhcp } from './probe/probe.ts'

/** Servers that look whether an address is free before they offer it need more than a second (dnsmasq: 3 s). */
const windowMs = 4000

/**
 * Looks for other DHCP servers before ours starts: two that hand out the same addresses break both. Ours must not run. Networks with
 * `allowOther` are left out. FLEET_NETWORK_OTHER_DHCP. Where it cannot be looked, since a DHCP client of this host has the
 * port for itself, the log says so.
 */
export async function refuseOtherServers(
  network: DeclaredNetwork,
  footings: Footings,
  room: NetworkRoom,
): Promise<void> {
  const asked = network.subnets.filter(({ dhcp, name }) => dhcp?.allowOther === false && footings[name] !== undefined)
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
    const [other] = probed.found
    if (other === undefined) continue
    throw new LarderError('FLEET_NETWORK_OTHER_DHCP', {
      message: `A DHCP server at ${other.server} answers in network ${name} (${device}), and offers ${other.address}.`,
      hint: 'Stop it; or, where both know of each other, set dhcp.allowOther: true.',
      context: { network: name, interface: device, server: other.server },
    })
  }
}
