import { isLarderError, LarderError, Mutex } from '../../core/index.ts'
import { addressNumber, isWithin } from './address.ts'
import { createSupervisor } from './daemon/supervisor.ts'
import { blockOf, type DeclaredNetwork } from './declared-network.ts'
import { createDnsServer, type DnsServer } from './dns/dns-server.ts'
import { siteHosts } from './dns/site-names.ts'
import type { Applied, DhcpServer, Footings, Lease, ServerConfig } from './dhcp-server.ts'
import { createDnsmasqServer } from './dnsmasq/dnsmasq-server.ts'
import {
  bridgesOf,
  dropFormerAddresses,
  ensureBridges,
  findFootings,
  lookForFootings,
  removeBridges,
} from './footing.ts'
import { handOverLeases } from './hand-over.ts'
import { createKeaServer } from './kea/kea-server.ts'
import { keepLeaseIds } from './kea/lease-id.ts'
import type { NetworkRoom } from './network-room.ts'
import { readState, writeState, type NetworkState } from './network-state.ts'
import { refuseOtherServers, servedAlone } from './other-server.ts'
import { refuseOwnAddresses } from './refuse-own-address.ts'
import { tendDhcp } from './tend-dhcp.ts'

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
  /** Why the servers of what was made last could not serve all of it now; undefined: nothing is known to be in the way. */
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
  /** Names of the networks that had no interface when it was looked last. */
  missing: string
}

export async function createNetworkService(room: NetworkRoom): Promise<NetworkService> {
  const supervisor = await createSupervisor(room)
  const servers: Servers = {
    room,
    dhcp: { kea: await createKeaServer(room, supervisor), dnsmasq: createDnsmasqServer(room, supervisor) },
    dns: createDnsServer(room, supervisor),
    missing: '',
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

async function readStatus({ room, dhcp, dns }: Servers): Promise<NetworkStatus> {
  const state = await readState(room)
  if (state === undefined) return { state, dhcp: undefined, dns: undefined }
  const [dhcpDigest, dnsDigest] = await Promise.all([dhcp[state.network.server].running(), dns.running()])
  return { state, dhcp: dhcpDigest, dns: dnsDigest }
}

const hasDhcp = ({ subnets }: DeclaredNetwork): boolean => subnets.some(({ dhcp }) => dhcp !== undefined)
const hasDns = ({ subnets }: DeclaredNetwork): boolean => subnets.some(({ dns }) => dns === 'larder')

/** What lacks, or what a network is not served for while its servers run. Without a change: a bridge that Larder makes itself is none. */
async function findObstacle(servers: Servers): Promise<Obstacle | undefined> {
  const { room } = servers
  const network = (await readState(room))?.network
  if (network === undefined) return undefined
  const made = new Set(bridgesOf(network))
  const subnets = network.subnets.filter(({ bridge, fallbackBridge }) => !made.has(bridge ?? fallbackBridge ?? ''))
  try {
    await requireServers(servers, network)
    await findFootings({ ...network, subnets }, room)
    return await deafness(servers, network)
  } catch (error) {
    if (!isLarderError(error, 'TOOL_MISSING', 'FLEET_NETWORK_INTERFACE_MISSING')) throw error
    return { message: error.message, hint: error.hint }
  }
}

async function deafness({ dhcp }: Servers, network: DeclaredNetwork): Promise<Obstacle | undefined> {
  const at = hasDhcp(network) ? await dhcp[network.server].deafAt() : []
  if (at.length === 0) return undefined
  const message = `${network.server} does not hear at ${at.join(', ')}, which was made again, or came up, after it had looked.`
  return { message, hint: 'A controller that runs has it look again within seconds; else restart its unit.' }
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
  const state = await readState(room)
  const network = keepLeaseIds(wanted.network, state?.network)
  const server = dhcp[network.server]
  await requireServers(servers, network)
  if (network.subnets.length === 0) return
  await ensureBridges(network, room)
  const footings = await findFootings(network, room)
  await refuseOwnAddresses({ network, names: wanted.names }, footings, room)
  const names = siteHosts(network, { footings, machines: wanted.names, leases: [] })
  const dnsConfig = dns.compile(network, footings, names)
  if (dnsConfig !== undefined) await dns.check(dnsConfig)
  if (!hasDhcp(network)) return
  await server.check(server.compile(network, footings))
  const running = await Promise.all(Object.values(dhcp).map((one) => one.running()))
  const isRunning = running.some((digest) => digest !== undefined)
  const before = isRunning ? state?.network : undefined
  const served = before === undefined ? new Set<string>() : servedAlone(before)
  await refuseOtherServers(network, { footings, served }, room)
}

async function apply(servers: Servers, { network: wanted, names }: Wanted): Promise<Applied | undefined> {
  const { room, dhcp } = servers
  const before = await readState(room)
  const network = keepLeaseIds(wanted, before?.network)
  // First: with the first address of a network, Linux takes the others that it has in it.
  if (before !== undefined) await dropFormerAddresses(before.network, network, room)
  await ensureBridges(network, room)
  const footings = network.subnets.length === 0 ? {} : await findFootings(network, room)
  const server = dhcp[network.server]
  for (const other of Object.values(dhcp)) if (other !== server || !hasDhcp(network)) await other.stop()
  const config = hasDhcp(network) ? server.compile(network, footings) : undefined
  if (config !== undefined) await handOverLeases(dhcp, { network, before: before?.network }, room)
  const applied = config === undefined ? undefined : await server.apply(config)
  await applyDns(servers, { network, names }, footings)
  const former = before === undefined ? [] : [...bridgesOf(before.network), ...(before.left ?? [])]
  const left = await removeUnwanted(servers, network, former)
  // Last: until then, the next run finds that what it wants is not so yet, and does it again.
  await writeState(room, { network, names, dhcp: config?.digest, left })
  return applied
}

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
  const found = await readState(room)
  if (found === undefined) return []
  const { network, left = [] } = found
  const state = left.length === 0 ? found : { ...found, left: await removeUnwanted(servers, network, left) }
  if (state !== found) await writeState(room, state)
  if (network.subnets.length === 0) return []
  await ensureBridges(network, room)
  const { footings, missing } = await lookForFootings(network, room)
  tellOnce(servers, missing)
  // Names are answered also where addresses cannot be given.
  const given = tendDhcp(dhcp, { state, footings }, room)
  await Promise.allSettled([given])
  const isDnsStarted = await applyDns(servers, state, footings)
  return [...((await given) ? [network.server] : []), ...(isDnsStarted ? ['dns'] : [])]
}

/** When others lack an interface than the last time: it is looked every few seconds. */
function tellOnce(servers: Servers, missing: readonly LarderError[]): void {
  const words = missing.map(({ message }) => message)
  const key = missing.map(({ context }) => String(context['network'])).join(' ')
  if (key === servers.missing) return
  servers.missing = key
  if (missing.length === 0) servers.room.log.info('all networks have an interface again')
  else servers.room.log.warn(`networks are not served: ${words.join(' ')}`)
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
