import { join } from 'node:path'
import { writePrivateFile } from '../../publish/index.ts'
import { readIfThere } from '../read-if-there.ts'
import { addressNumber, isWithin } from './address.ts'
import { blockOf, type DeclaredNetwork } from './declared-network.ts'
import type { DhcpServer, HeldLease, HeldLeases } from './dhcp-server.ts'
import type { NetworkRoom } from './network-room.ts'

type ServerName = DeclaredNetwork['server']
type DhcpServers = Readonly<Record<ServerName, DhcpServer>>

/** Which server has the leases: `kea` or `dnsmasq`. Written once the other has them, and before that answers anybody. */
const keeperPath = ({ folder }: NetworkRoom): string => join(folder, 'leases-at')

/**
 * Before a DHCP server is started: what the one that was there before it has given, and is not over, becomes its own. Killed at any
 * moment, the next one finds who has the leases, whichever of the two it is to start. `before`: the network that was made last, for a
 * folder where that was not written down yet.
 */
export async function handOverLeases(
  dhcp: DhcpServers,
  { network, before }: { network: DeclaredNetwork; before: DeclaredNetwork | undefined },
  room: NetworkRoom,
): Promise<void> {
  const { server } = network
  const written = (await readIfThere(keeperPath(room)))?.trim()
  const keeper = written === 'kea' || written === 'dnsmasq' ? written : serverOf(before)
  const isMoved = keeper !== undefined && keeper !== server
  const given = isMoved ? await moveLeases(dhcp, { from: keeper, network }, room) : undefined
  if (written !== server) await writePrivateFile(keeperPath(room), `${server}\n`)
  // Who comes back to it must not find what was true then. What cannot be read stays for those who can.
  if (isMoved && given?.unread === 0) await dhcp[keeper].store.remove()
}

function serverOf(network: DeclaredNetwork | undefined): ServerName | undefined {
  return network?.subnets.some(({ dhcp }) => dhcp !== undefined) === true ? network.server : undefined
}

/** Answers what was read of the former; undefined: nothing could be. */
async function moveLeases(
  dhcp: DhcpServers,
  { from, network }: { from: ServerName; network: DeclaredNetwork },
  room: NetworkRoom,
): Promise<HeldLeases | undefined> {
  const [former, next] = [dhcp[from], dhcp[network.server]]
  for (const one of [former, next]) await one.stop()
  const given = await readLeases(former, room)
  const own = await readLeases(next, room)
  const leases = joinLeases(given?.leases ?? [], own?.leases ?? [], network)
  await next.store.write(leases, network)
  room.log.info(`${next.name} has ${leases.length} leases: those that ${from} has given, and what it had itself`)
  return given
}

/** Undefined, and said so, where they cannot be read: addresses must be given all the same. */
async function readLeases({ name, store }: DhcpServer, { log }: NetworkRoom): Promise<HeldLeases | undefined> {
  const danger = 'addresses that it has given may be given to others'
  try {
    const held = await store.read()
    const leases = held.leases.filter(isSafe)
    const unread = held.unread + held.leases.length - leases.length
    if (unread > 0) log.warn(`${unread} lines of the leases of ${name} cannot be read (${store.path}): ${danger}`)
    return { leases, unread }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    log.warn(`the leases of ${name} cannot be read (${error.message}): ${danger}`)
    return undefined
  }
}

/** Nothing of a file may be more than one word of another. */
function isSafe({ mac, clientId }: HeldLease): boolean {
  const bytes = /^[0-9a-f]{2}(:[0-9a-f]{2})*$/i
  return bytes.test(mac) && (clientId === '' || bytes.test(clientId))
}

/**
 * Those of the former, and of what the next had itself, long ago, those that do not speak against them: no other client at one address,
 * no client with two addresses of a subnet. By address; those of no subnet that addresses are given in are left out. Pure.
 */
export function joinLeases(
  given: readonly HeldLease[],
  own: readonly HeldLease[],
  { subnets }: DeclaredNetwork,
): HeldLease[] {
  const blocks = subnets.filter(({ dhcp }) => dhcp !== undefined).map(blockOf)
  const place = (lease: HeldLease): Placed[] => {
    const number = addressNumber(lease.address) ?? -1
    const at = blocks.findIndex((block) => isWithin(block, number))
    if (at < 0) return []
    const placed = { ...lease, hostname: safeName(lease.hostname) }
    return [{ lease: placed, number, client: `${at} ${lease.mac.toLowerCase()}` }]
  }
  const newer = given.flatMap(place)
  const addresses = new Set(newer.map(({ number }) => number))
  const clients = new Set(newer.map(({ client }) => client))
  const older = own.flatMap(place).filter(({ number, client }) => !addresses.has(number) && !clients.has(client))
  return [...newer, ...older].toSorted((left, right) => left.number - right.number).map(({ lease }) => lease)
}

interface Placed {
  lease: HeldLease
  number: number
  /** Of its subnet. */
  client: string
}

const safeName = (name: string): string => (/^[A-Za-z0-9._-]{1,255}$/.test(name) ? name : '')
