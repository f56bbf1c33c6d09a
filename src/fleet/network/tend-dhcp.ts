import type { DeclaredNetwork } from './declared-network.ts'
import type { DhcpServer, Footings } from './dhcp-server.ts'
import { handOverLeases } from './hand-over.ts'
import type { NetworkRoom } from './network-room.ts'
import { writeState, type NetworkState } from './network-state.ts'

/**
 * Has a DHCP server run for the networks that have an interface; answers whether it was started. The others are left out until they have
 * one: what serves them all would refuse to start. Where none has one, it is left as it is.
 */
export async function tendDhcp(
  dhcp: Readonly<Record<DeclaredNetwork['server'], DhcpServer>>,
  { state, footings }: { state: NetworkState; footings: Footings },
  room: NetworkRoom,
): Promise<boolean> {
  const { network } = state
  const server = dhcp[network.server]
  if (!network.subnets.some((subnet) => subnet.dhcp !== undefined && footings[subnet.name] !== undefined)) return false
  // What cannot be used now may have been when it was started.
  if ((await server.unusable()) !== undefined) return server.ensure()
  const config = server.compile(network, footings)
  const running = await server.running()
  const isKnown = state.dhcp === config.digest
  if (running === config.digest || (running === '' && isKnown)) {
    if (!isKnown) await writeState(room, { ...state, dhcp: config.digest })
    await hearAgain(server, room)
    return false
  }
  // A run that was killed may have left them, and the other server, where it was about to go.
  await handOverLeases(dhcp, { network, before: network }, room)
  const applied = await server.apply(config)
  if (!isKnown) await writeState(room, { ...state, dhcp: config.digest })
  return applied === 'started'
}

/** An interface that was made again is another one, also where it has the name and the address that it had. */
async function hearAgain(server: DhcpServer, room: NetworkRoom): Promise<void> {
  const heard = await server.listen()
  if (heard.length === 0) return
  room.log.warn(`${server.name} hears again at ${heard.join(', ')}: made again, or up, after it had looked`)
}
