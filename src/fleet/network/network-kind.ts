import type { Change, Finding, Kind, KindContext } from '../../core/index.ts'
import { isMade } from '../machine/is-made.ts'
import type { MachineConfig } from '../machine/machine-schema.ts'
import { bridgeName } from './bridge.ts'
import { declareNetwork, type DeclaredNetwork } from './declared-network.ts'
import { describeNetworkChange } from './describe-change.ts'
import type { NamedAddress } from './dns/site-names.ts'
import { findFootings } from './footing.ts'
import { addressedMachines, networkGrammar } from './network-grammar.ts'
import type { NetworkRoom } from './network-room.ts'
import type { NetworkConfig } from './network-schema.ts'
import type { NetworkService, NetworkStatus, Wanted } from './network-service.ts'
import { probeDns } from './probe/probe.ts'

export interface NetworkKindOptions {
  room: NetworkRoom
  service: NetworkService
  /** Addresses of machines, also of those whose address Larder chose. Default: those that are written in the site. */
  machines?: (context: KindContext) => Promise<readonly NamedAddress[]>
}

export interface ObservedNetwork extends NetworkStatus {
  wanted: Wanted
}

export interface NetworkChange extends Change {
  detail: { differences: string[]; wanted: Wanted }
}

export type NetworkKind = Kind<NetworkConfig, ObservedNetwork, NetworkChange, Wanted>

/** The kind `network`: one change for all networks of a site, since one server gives the addresses of all. */
export function createNetworkKind({ room, service, machines }: NetworkKindOptions): NetworkKind {
  return {
    ...networkGrammar(),
    nothing: {},
    async observe(context, desired) {
      const network = withBridges(declareNetwork(desired, context.siteName), context)
      const named = (await machines?.(context)) ?? addressedMachines(context.site)
      const names = named.map(({ name, address }) => ({ name, address })).toSorted(byName)
      return { wanted: { network, names }, ...(await service.status()) }
    },
    plan: (_desired, observed) => planNetwork(observed),
    async stage(_context, { detail }) {
      await service.prepare(detail.wanted)
      return detail.wanted
    },
    async switch({ progress }, staged) {
      const applied = await service.apply(staged)
      if (applied !== undefined) progress.log(`${staged.network.server}: ${words[applied]}`)
    },
    verify: (_context, staged) => verifyNetwork(room, service, staged),
  }
}

const words = {
  unchanged: 'as it was',
  live: 'changed while it runs',
  restarted: 'restarted, leases kept',
  started: 'started',
}

/** Where Larder makes machines, they need a bridge to be at: the one that their places put them at, too. */
function withBridges(network: DeclaredNetwork, { site }: KindContext): DeclaredNetwork {
  const machines = Object.values((site['machines'] ?? {}) as Readonly<Record<string, Pick<MachineConfig, 'at'>>>)
  if (!machines.some(({ at }) => isMade(at))) return network
  const subnets = network.subnets.map((subnet) => {
    if (subnet.interface !== undefined) return subnet
    return { ...subnet, fallbackBridge: bridgeName(network.site, subnet.name) }
  })
  return { ...network, subnets }
}

/** Pure. */
function planNetwork({ state, wanted, dhcp, dns }: ObservedNetwork): NetworkChange[] {
  const { network } = wanted
  const isThere = network.subnets.length > 0
  if (state === undefined && !isThere) return []
  const differences = describeNetworkChange(state?.network, network)
  if (state !== undefined) {
    if (JSON.stringify(state.names) !== JSON.stringify(wanted.names)) differences.push('names of machines')
    if (state.dhcp !== undefined && dhcp !== state.dhcp) differences.push(fallen(network.server, dhcp))
    const hasDns = state.network.subnets.some((subnet) => subnet.dns === 'larder')
    if (hasDns && dns === undefined) differences.push('names are not answered')
  }
  if (differences.length === 0) return []
  const action = state === undefined ? 'create' : isThere ? 'update' : 'remove'
  return [{ subject: 'network', action, summary: differences.join(', '), detail: { differences, wanted } }]
}

function fallen(server: string, digest: string | undefined): string {
  return digest === undefined ? `${server} does not run` : `${server} runs with another configuration`
}

/** As a client would: names are asked for; the DHCP server says what it runs with. */
async function verifyNetwork(room: NetworkRoom, service: NetworkService, { network }: Wanted): Promise<Finding[]> {
  const { state, dhcp } = await service.status()
  const findings: Finding[] = []
  if (state?.dhcp !== undefined && dhcp !== state.dhcp) {
    findings.push({ severity: 'error', subject: 'network', message: fallen(network.server, dhcp) })
  }
  if (network.subnets.length === 0) return findings
  const footings = await findFootings(network, room)
  for (const { name, dns, domain } of network.subnets) {
    const address = footings[name]?.address
    if (dns !== 'larder' || address === undefined) continue
    const asked = `larder.${domain}`
    const answer = await probeDns(room, address, asked)
    if ('found' in answer && answer.found.length > 0) continue
    const why = 'error' in answer ? answer.error : 'no address'
    const message = `the name server at ${address} does not know ${asked}: ${why}`
    findings.push({ severity: 'error', subject: `network ${name}`, message, hint: 'Look at its log: larder doctor.' })
  }
  return findings
}

function byName(left: NamedAddress, right: NamedAddress): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0
}
