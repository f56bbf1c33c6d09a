import type { DhcpServer, Footings } from './dhcp-server.ts'
import type { NetworkRoom } from './network-room.ts'
import { writeState, type NetworkState } from './network-state.ts'

/**
 * Has a DHCP server run for the networks that have an interface; answers whether it was started. The others are left out until they have
 * one: what serves them all would refuse to start. Where none has one, it is left as it is.
 */
export async function tendDhcp(
  server: DhcpServer,
  { state, footings }: { state: NetworkState; footings: Footings },
  room: NetworkRoom,
): Promise<boolean> {
  const { network } = state
  if (!network.subnets.some(({ name, dhcp }) => dhcp !== undefined && footings[name] !== undefined)) return false
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
