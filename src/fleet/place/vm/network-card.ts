import { createHash } from 'node:crypto'
import { addressNumber, addressText, blockText, isWithin, parseBlock, type Block } from '../../network/address.ts'
import { bridgeName, type Interface } from '../../network/bridge.ts'
import { machineMac } from '../../network/declared-network.ts'
import type { MachineSpec } from '../place.ts'

type Address = MachineSpec['addresses'][number]

/** How a machine is in one of its networks, on its side and on that of this host. */
export interface NetworkCard {
  readonly mac: string
  readonly address: string
  readonly prefixLength: number
  readonly gateway: string
  readonly nameServers: readonly string[]
  readonly domain?: string | undefined
  readonly end: TapEnd | UserEnd
}

/** An interface of this host that is a port of a bridge: the machine is in the network of the site. */
interface TapEnd {
  readonly kind: 'tap'
  readonly tap: string
  readonly bridge: string
}

/** A network that QEMU only pretends, for one machine: it reaches this host as the gateway, and others through it. */
interface UserEnd {
  readonly kind: 'user'
  /** `10.0.2.0/24` */
  readonly subnet: string
  /** Answers for names as this host does. */
  readonly nameServer: string
}

/** What this host has, where machines are put at networks of the site. */
export interface HostNetworks {
  readonly interfaces: readonly Interface[]
  /** Names of those that are bridges. */
  readonly bridges: ReadonlySet<string>
  /** Whom this host asks for names. */
  readonly nameServers: readonly string[]
}

/** The network that QEMU pretends by default, where the site has none. */
const pretended: Address = { network: '', address: '10.0.2.15', prefixLength: 24, gateway: '10.0.2.2' }

/** Pure. Without `host`, machines are in no network of this host: it lacks the rights, or the site declares none. */
export function networkCards(machine: MachineSpec, host: HostNetworks | undefined): NetworkCard[] {
  const { addresses } = machine
  if (addresses.length === 0) return [userCard(machine, pretended)]
  return addresses.map((at) => (host === undefined ? userCard(machine, at) : tapCard(machine, at, host)))
}

/** Whether a machine that was started with the one is where the other says. A bridge can be changed while it runs. */
export function isSamePlan(started: readonly NetworkCard[], planned: readonly NetworkCard[]): boolean {
  const essence = ({ mac, address, prefixLength, gateway, end }: NetworkCard): unknown => [mac, address, prefixLength, gateway, end.kind] // prettier-ignore
  return JSON.stringify(started.map(essence)) === JSON.stringify(planned.map(essence))
}

function tapCard(machine: MachineSpec, at: Address, host: HostNetworks): NetworkCard {
  const { site, name } = machine
  const block = blockAt(at)
  const nameServers = at.names?.servers ?? host.nameServers
  return {
    ...cardOf(machine, at),
    nameServers,
    domain: at.names?.domain,
    end: { kind: 'tap', tap: tapName(site, at.network, name), bridge: at.bridge ?? bridgeAt(machine, at, block, host) },
  }
}

function userCard(machine: MachineSpec, at: Address): NetworkCard {
  const block = blockAt(at)
  const card = cardOf(machine, at)
  const taken = [card.gateway, card.address].map(addressNumber)
  const free = [3, 4, 5].map((more) => block.first + more).find((number) => !taken.includes(number)) ?? block.last
  const nameServer = addressText(free)
  return {
    ...card,
    nameServers: [nameServer],
    domain: at.names?.domain,
    end: { kind: 'user', subnet: blockText(block), nameServer },
  }
}

function cardOf({ site, name }: MachineSpec, at: Address) {
  const { network, address, prefixLength } = at
  const gateway = at.gateway ?? addressText(blockAt(at).first + 1)
  return { mac: at.mac ?? machineMac(site, network, name), address, prefixLength, gateway }
}

/** A bridge that is in the subnet already is used, whoever made it. */
function bridgeAt({ site }: MachineSpec, { network }: Address, block: Block, host: HostNetworks): string {
  const found = host.interfaces.find(
    ({ name, addresses }) =>
      host.bridges.has(name) && addresses.some((address) => isWithin(block, addressNumber(address) ?? -1)),
  )
  return found?.name ?? bridgeName(site, network)
}

/** Linux: 15 characters at most. */
function tapName(site: string, network: string, machine: string): string {
  const hash = createHash('sha256').update(JSON.stringify([site, network, machine]))
  return `lrt-${hash.digest('hex').slice(0, 11)}`
}

function blockAt({ address, prefixLength }: Address): Block {
  return parseBlock(`${address}/${prefixLength}`) ?? { first: 0, last: 0, prefixLength: 32 }
}
