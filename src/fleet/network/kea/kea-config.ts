import { digestOf } from '../../../core/index.ts'
import type { DeclaredDhcp, DeclaredNetwork, DeclaredSubnet } from '../declared-network.ts'
import type { Footing, Footings, ServerConfig } from '../dhcp-server.ts'
import { leaseId } from './lease-id.ts'

/** Files of a Kea that is ours. */
export interface KeaFiles {
  config: string
  socket: string
  leases: string
  /** libdhcp_lease_cmds.so, by which leases are listed. */
  leaseHook: string
}

/**
 * kea-dhcp4.conf of the networks: JSON, the same for the same networks. Its own digest is in it, so that a Kea that runs can
 * say what it runs with. Source: Kea Administrator Reference Manual 2.2, §8.2.
 */
export function keaConfig(network: DeclaredNetwork, footings: Footings, files: Omit<KeaFiles, 'config'>): ServerConfig {
  const served = network.subnets.flatMap((subnet) => {
    const [footing, { dhcp }] = [footings[subnet.name], subnet]
    return dhcp === undefined || footing === undefined ? [] : [{ subnet, dhcp, footing }]
  })
  const config = {
    'interfaces-config': {
      interfaces: [...new Set(served.map(({ footing }) => footing.interface))],
      // Of what comes and goes while it runs.
      're-detect': true,
    },
    'control-socket': { 'socket-type': 'unix', 'socket-name': files.socket },
    // `lfc`: the file is cleaned of leases that are over.
    'lease-database': { type: 'memfile', persist: true, name: files.leases, 'lfc-interval': 3600 },
    'hooks-libraries': [{ library: files.leaseHook }],
    'host-reservation-identifiers': ['hw-address'],
    // By hardware address alone: a machine that is made again keeps the address that it had.
    'match-client-id': false,
    'hostname-char-set': '[^A-Za-z0-9.-]',
    'hostname-char-replacement': '',
    subnet4: served.map(keaSubnet),
    loggers: [{ name: 'kea-dhcp4', severity: 'WARN', output_options: [{ output: 'stdout' }] }],
  }
  const digest = digestOf(JSON.stringify(config))
  const whole = { Dhcp4: { ...config, 'user-context': { larder: digest } } }
  return { digest, config: `${JSON.stringify(whole, undefined, 2)}\n`, hosts: '' }
}

interface Served {
  subnet: DeclaredSubnet
  dhcp: DeclaredDhcp
  footing: Footing
}

function keaSubnet({ subnet, dhcp, footing }: Served): Record<string, unknown> {
  const seconds = dhcp.leaseSeconds
  return {
    id: leaseId(subnet),
    subnet: subnet.subnet,
    interface: footing.interface,
    authoritative: !dhcp.allowOther,
    pools: [{ pool: dhcp.range.join(' - ') }],
    'valid-lifetime': seconds,
    'min-valid-lifetime': seconds,
    'max-valid-lifetime': seconds,
    'option-data': options(subnet, dhcp, footing),
    reservations: dhcp.reservations.map(({ name, mac, address }) => ({
      hostname: name,
      'hw-address': mac,
      'ip-address': address,
    })),
  }
}

/** Names of RFC 2132, as Kea has them. */
function options(subnet: DeclaredSubnet, dhcp: DeclaredDhcp, footing: Footing): { name: string; data: string }[] {
  const servers = subnet.dns === 'larder' ? [footing.address] : subnet.dns
  return [
    { name: 'routers', data: subnet.gateway },
    { name: 'domain-name-servers', data: servers.join(', ') },
    { name: 'domain-name', data: subnet.domain },
    { name: 'domain-search', data: subnet.domain },
    { name: 'ntp-servers', data: dhcp.ntp.join(', ') },
  ].filter(({ data }) => data !== '')
}
