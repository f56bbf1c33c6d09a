import { join } from 'node:path'
import { isLarderError, LarderError, Mutex } from '../../core/index.ts'
import { addressNumber, isWithin } from './address.ts'
import { createSupervisor } from './daemon/supervisor.ts'
import { blockOf, type DeclaredNetwork } from './declared-network.ts'
import { createDnsServer, type DnsServer } from './dns/dns-server.ts'
import { siteHosts, type NamedAddress } from './dns/site-names.ts'
import type { Applied, DhcpServer, Footings, Lease, ServerConfig } from './dhcp-server.ts'
import { createDnsmasqServer } from './dnsmasq/dnsmasq-server.ts'
import { bridgesOf, dropFormerAddresses, ensureBridges, findFootings, removeBridges } from './footing.ts'
import { createKeaServer } from './kea/kea-server.ts'
import type { NetworkRoom } from './network-room.ts'
import { refuseOtherServers, servedAlone } from './other-server.ts'
import { readIfThere } from '../read-if-there.ts'
import { writePrivateFile } from '../../publish/index.ts'

/** What was made so last. */
export interface NetworkState {
  network: DeclaredNetwork
  /** Machines and their addresses. */
  names: readonly NamedAddress[]
  /** Digest of the configuration of the DHCP server; undefined where there is none. */
  dhcp?: string | undefined
  /** Bridges of former networks that somebody was still at. Default: none. */
  left?: readonly string[]
}

export interface NetworkStatus {
  state: NetworkState | undefined
  /** Digest that a server runs with; '' where it cannot be told; undefined: it does not run. */
  dhcp: string | undefined
  dns: string | undefined
}

export interface Obstacle {
  message: string
  hint: string | undefined
}

/** A lease, and what the site knows of it. */
export interface SiteLease extends Lease {
  network: string | undefined
  /** Name that the address is reserved for. */
  reservedFor: string | undefined
}

export type Wanted = Pick<NetworkState, 'network' | 'names'>

/** Addresses and names of the site's networks: the servers that give them, as one. */
export interface NetworkService {
  status(): Promise<NetworkStatus>
  /** Why the servers of what was made last could not be started now; undefined: nothing is known to be in the way. */
  obstacle(): Promise<Obstacle | undefined>
  /** All that can be refused, is refused here; bridges are made. TOOL_MISSING, FLEET_NETWORK_…. */
  prepare(wanted: Wanted): Promise<void>
  /** What became of the DHCP server; undefined: there is none. */
  apply(wanted: Wanted): Promise<Applied | undefined>
  /**
   * What the controller does every few seconds: starts again what has died (and, after the host was started, all), and gives names to
   * clients that came. Answers what it started. Does nothing before the first apply.
   */
  tend(): Promise<string[]>
  leases(): Promise<SiteLease[]>
  /** Ends the servers. Leases stay. Idempotent. */
  stop(): Promise<void>
}

interface Servers {
  room: NetworkRoom
  dhcp: Readonly<Record<DeclaredNetwork['server'], DhcpServer>>
  dns: DnsServer
}

export async function createNetworkService(room: NetworkRoom): Promise<NetworkService> {
  const supervisor = await createSupervisor(room)
  const servers: Servers = {
    room,
    dhcp: { kea: await createKeaServer(room, supervisor), dnsmasq: createDnsmasqServer(room, supervisor) },
    dns: createDnsServer(room, supervisor),
  }
  const turns = new Mutex()
  return {
    status: () => readStatus(servers),
    obstacle: () => findObstacle(servers),
    prepare: (wanted) => turns.run(() => prepare(servers, wanted)),
    apply: (wanted) => turns.run(() => apply(servers, wanted)),
    tend: () => turns.run(() => tend(servers)),
    leases: () => siteLeases(servers),
    stop: () => turns.run(() => stop(servers)),
  }
}

const statePath = ({ folder }: NetworkRoom): string => join(folder, 'applied.json')

async function readState(room: NetworkRoom): Promise<NetworkState | undefined> {
  const text = await readIfThere(statePath(room))
  return text === undefined ? undefined : (JSON.parse(text) as NetworkState)
}

async function readStatus({ room, dhcp, dns }: Servers): Promise<NetworkStatus> {
  const state = await readState(room)
  if (state === undefined) return { state, dhcp: undefined, dns: undefined }
  const [dhcpDigest, dnsDigest] = await Promise.all([dhcp[state.network.server].running(), dns.running()])
  return { state, dhcp: dhcpDigest, dns: dnsDigest }
}

const hasDhcp = ({ subnets }: DeclaredNetwork): boolean => subnets.some(({ dhcp }) => dhcp !== undefined)
const hasDns = ({ subnets }: DeclaredNetwork): boolean => subnets.some(({ dns }) => dns === 'larder')

/** Without a change: a bridge that Larder makes itself is none. */
async function findObstacle(servers: Servers): Promise<Obstacle | undefined> {
  const { room } = servers
  const network = (await readState(room))?.network
  if (network === undefined) return undefined
  const made = new Set(bridgesOf(network))
  const subnets = network.subnets.filter(({ bridge, fallbackBridge }) => !made.has(bridge ?? fallbackBridge ?? ''))
  try {
    await requireServers(servers, network)
    await findFootings({ ...network, subnets }, room)
    return undefined
  } catch (error) {
    if (!isLarderError(error, 'TOOL_MISSING', 'FLEET_NETWORK_INTERFACE_MISSING')) throw error
    return { message: error.message, hint: error.hint }
  }
}

/** TOOL_MISSING. */
async function requireServers({ dhcp, dns }: Servers, network: DeclaredNetwork): Promise<void> {
  const needed = [...(hasDhcp(network) ? [dhcp[network.server]] : []), ...(hasDns(network) ? [dns] : [])]
  for (const one of needed) {
    const lacking = await one.unusable()
    if (lacking !== undefined) throw new LarderError('TOOL_MISSING', lacking)
  }
}

async function prepare(servers: Servers, wanted: Wanted): Promise<void> {
  const { room, dhcp, dns } = servers
  const { network } = wanted
  const server = dhcp[network.server]
  await requireServers(servers, network)
  if (network.subnets.length === 0) return
  await ensureBridges(network, room)
  const footings = await findFootings(network, room)
  const names = siteHosts(network, { footings, machines: wanted.names, leases: [] })
  const dnsConfig = dns.compile(network, footings, names)
  if (dnsConfig !== undefined) await dns.check(dnsConfig)
  if (!hasDhcp(network)) return
  await server.check(server.compile(network, footings))
  const running = await Promise.all(Object.values(dhcp).map((one) => one.running()))
  const isRunning = running.some((digest) => digest !== undefined)
  const before = isRunning ? (await readState(room))?.network : undefined
  const served = before === undefined ? new Set<string>() : servedAlone(before)
  await refuseOtherServers(network, { footings, served }, room)
}

async function apply(servers: Servers, { network, names }: Wanted): Promise<Applied | undefined> {
  const { room, dhcp } = servers
  const before = await readState(room)
  // First: with the first address of a network, Linux takes the others that it has in it.
  if (before !== undefined) await dropFormerAddresses(before.network, network, room)
  await ensureBridges(network, room)
  const footings = network.subnets.length === 0 ? {} : await findFootings(network, room)
  const server = dhcp[network.server]
  for (const other of Object.values(dhcp)) if (other !== server || !hasDhcp(network)) await other.stop()
  const config = hasDhcp(network) ? server.compile(network, footings) : undefined
  const applied = config === undefined ? undefined : await server.apply(config)
  await applyDns(servers, { network, names }, footings)
  const former = before === undefined ? [] : [...bridgesOf(before.network), ...(before.left ?? [])]
  const left = await removeUnwanted(servers, network, former)
  // Last: until then, the next run finds that what it wants is not so yet, and does it again.
  await writeState(room, { network, names, dhcp: config?.digest, left })
  return applied
}

const writeState = (room: NetworkRoom, state: NetworkState): Promise<void> =>
  writePrivateFile(statePath(room), JSON.stringify(state))

/** Machines may still be at a bridge: it goes when they have gone. Answers those that stay till then. */
async function removeUnwanted(
  { room }: Servers,
  network: DeclaredNetwork,
  former: readonly string[],
): Promise<readonly string[]> {
  const wanted = new Set(bridgesOf(network))
  const unwanted = [...new Set(former)].filter((name) => !wanted.has(name))
  return unwanted.length === 0 ? [] : removeBridges(unwanted, room)
}

async function applyDns({ dhcp, dns }: Servers, { network, names }: Wanted, footings: Footings): Promise<boolean> {
  const leases = hasDns(network) && hasDhcp(network) ? await dhcp[network.server].leases() : []
  const hosts = siteHosts(network, { footings, machines: names, leases })
  const config: ServerConfig | undefined = dns.compile(network, footings, hosts)
  if (config !== undefined) return ['started', 'restarted'].includes(await dns.apply(config))
  await dns.stop()
  return false
}

async function tend(servers: Servers): Promise<string[]> {
  const { room, dhcp } = servers
  const state = await readState(room)
  if (state === undefined) return []
  const { network, left = [] } = state
  if (left.length > 0) await writeState(room, { ...state, left: await removeUnwanted(servers, network, left) })
  if (network.subnets.length === 0) return []
  await ensureBridges(network, room)
  const isDhcpStarted = hasDhcp(network) && (await dhcp[network.server].ensure())
  const isDnsStarted = await applyDns(servers, state, await findFootings(network, room))
  return [...(isDhcpStarted ? [network.server] : []), ...(isDnsStarted ? ['dns'] : [])]
}

async function siteLeases({ room, dhcp }: Servers): Promise<SiteLease[]> {
  const state = await readState(room)
  if (state === undefined || !hasDhcp(state.network)) return []
  const { subnets, server } = state.network
  return (await dhcp[server].leases()).map((lease) => {
    const number = addressNumber(lease.address) ?? -1
    const subnet = subnets.find((candidate) => isWithin(blockOf(candidate), number))
    const reserved = subnet?.dhcp?.reservations.find(({ address }) => address === lease.address)
    return { ...lease, network: subnet?.name, reservedFor: reserved?.name }
  })
}

async function stop({ dhcp, dns }: Servers): Promise<void> {
  await Promise.all([...Object.values(dhcp).map((server) => server.stop()), dns.stop()])
}
