import { createHash } from 'node:crypto'
import { addressNumber, blockText, parseBlock, type Block } from './address.ts'
import { durationSeconds, type NetworkConfig, type SubnetConfig } from './network-schema.ts'

export interface Reservation {
  name: string
  /** Small letters, colons. */
  mac: string
  address: string
}

export interface DeclaredDhcp {
  range: readonly [string, string]
  leaseSeconds: number
  /** By address. */
  reservations: readonly Reservation[]
  ntp: readonly string[]
  allowOther: boolean
}

/** A network of the site, with all defaults filled in. JSON. */
export interface DeclaredSubnet {
  /** `default` where the site has but one. */
  name: string
  /** `192.168.137.0/24` */
  subnet: string
  gateway: string
  domain: string
  /** Undefined: the one that has an address in the subnet. */
  interface?: string
  /** Made by Larder; then `interface` is the same. */
  bridge?: string
  /** Made by Larder where no interface has an address in the subnet: machines will be there. */
  fallbackBridge?: string
  /** Whom clients ask for names: Larder, these, or nobody. */
  dns: 'larder' | readonly string[]
  /** Whom Larder asks for other names; undefined: whom this host asks. */
  forward?: readonly string[]
  dhcp?: DeclaredDhcp
  /** Number that Kea has its leases under, where that is the one of a subnet that was here before. */
  leaseId?: number
}

/** All networks of a site. JSON, and the same for the same site: it is kept, and compared. */
export interface DeclaredNetwork {
  site: string
  server: 'kea' | 'dnsmasq'
  /** By name. */
  subnets: readonly DeclaredSubnet[]
}

/** Name of the network of a site that has one alone. */
const onlyNetwork = 'default'

/** The section with its defaults filled in. It has been checked. */
export function declareNetwork(config: NetworkConfig, site: string): DeclaredNetwork {
  const named = namedSubnets(config).toSorted(([left], [right]) => (left < right ? -1 : 1))
  const subnets = named.map(([name, subnet]) => declareSubnet(subnet, { site, name }))
  const server = named.map(([, { dhcp }]) => dhcp?.server).find((one) => one !== undefined) ?? 'kea'
  return { site, server, subnets }
}

/** Subnets by name, as they are written. */
export function namedSubnets(config: NetworkConfig): [string, SubnetConfig][] {
  const { subnets, subnet, gateway, ...rest } = config
  if (subnets !== undefined) return Object.entries(subnets)
  return subnet === undefined || gateway === undefined ? [] : [[onlyNetwork, { ...rest, subnet, gateway }]]
}

/**
 * The hardware address that Larder gives a machine in a network: the same each time it is made. Locally administered,
 * unicast (IEEE 802-2014 §8.2).
 */
export function machineMac(site: string, network: string, machine: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([site, network, machine]))
    .digest('hex')
  return ['02', ...[0, 2, 4, 6, 8].map((at) => hash.slice(at, at + 2))].join(':')
}

/** The block of addresses of a subnet that has been checked. */
export function blockOf({ subnet }: Pick<DeclaredSubnet, 'subnet'>): Block {
  return parseBlock(subnet) ?? { first: 0, last: 0, prefixLength: 32 }
}

function declareSubnet(config: SubnetConfig, { site, name }: { site: string; name: string }): DeclaredSubnet {
  const { dns, dhcp } = config
  const forward = typeof dns === 'object' && 'forward' in dns ? dns.forward : undefined
  const device = config.bridge ?? config.interface
  return {
    name,
    subnet: blockText(blockOf(config)),
    gateway: config.gateway,
    domain: config.domain ?? `${site}.internal`,
    ...(device === undefined ? {} : { interface: device }),
    ...(config.bridge === undefined ? {} : { bridge: config.bridge }),
    dns: whoAnswers(config),
    ...(forward === undefined ? {} : { forward: forward === false ? [] : forward }),
    ...(dhcp === undefined ? {} : { dhcp: declareDhcp(dhcp, { site, name }) }),
  }
}

function whoAnswers({ dns, dhcp }: SubnetConfig): DeclaredSubnet['dns'] {
  if (Array.isArray(dns)) return dns
  if (dns === false) return []
  return dns === undefined && dhcp === undefined ? [] : 'larder'
}

function declareDhcp(
  dhcp: NonNullable<SubnetConfig['dhcp']>,
  { site, name }: { site: string; name: string },
): DeclaredDhcp {
  const reservations = Object.entries(dhcp.reservations).map(([owner, { mac, address }]) => ({
    name: owner,
    mac: (mac ?? machineMac(site, name, owner)).toLowerCase().replaceAll('-', ':'),
    address,
  }))
  return {
    range: dhcp.range,
    leaseSeconds: durationSeconds(dhcp.lease),
    reservations: reservations.toSorted(
      (left, right) => (addressNumber(left.address) ?? 0) - (addressNumber(right.address) ?? 0),
    ),
    ntp: dhcp.ntp,
    allowOther: dhcp.allowOther,
  }
}
