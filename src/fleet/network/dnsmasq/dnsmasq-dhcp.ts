import { blockOf, type DeclaredDhcp, type DeclaredNetwork, type DeclaredSubnet } from '../declared-network.ts'
import { netmask } from '../address.ts'
import type { Footing, Footings, ServerConfig } from '../dhcp-server.ts'
import { dnsmasqConfig } from './dnsmasq-files.ts'

/**
 * dnsmasq.conf for DHCP alone, and the file of reservations. Names are answered by a dnsmasq of its own, so that a restart for
 * another range does not keep anybody from looking them up. Source: dnsmasq(8) 2.90.
 */
export function dhcpConfig(
  network: DeclaredNetwork,
  footings: Footings,
  files: { leases: string; hosts: string },
): ServerConfig {
  const served = network.subnets.flatMap((subnet) => {
    const [footing, { dhcp }] = [footings[subnet.name], subnet]
    return dhcp === undefined || footing === undefined ? [] : [{ subnet, dhcp, footing }]
  })
  const isAlone = served.every(({ dhcp }) => !dhcp.allowOther)
  // Not how many are handed out: this cannot be changed live, and reservations can.
  const addresses = served
    .map(({ subnet }) => blockOf(subnet))
    .reduce((sum, { first, last }) => sum + last - first - 1, 0)
  const reserved = served.flatMap(({ dhcp }) => dhcp.reservations)
  const lines = [
    'port=0',
    'user=root',
    'group=root',
    'pid-file=',
    'log-facility=-',
    'quiet-dhcp',
    'no-resolv',
    'no-hosts',
    'bind-interfaces',
    // Looking for others by ping first takes 3 s for each new client; whoever gets an address looks itself (RFC 5227).
    'no-ping',
    `dhcp-lease-max=${addresses}`,
    `dhcp-leasefile=${files.leases}`,
    `dhcp-hostsfile=${files.hosts}`,
    ...(isAlone ? ['dhcp-authoritative'] : []),
    ...served.flatMap(subnetLines),
  ]
  const hosts = reserved.map(({ mac, address, name }) => `${mac},${address},${name}\n`).join('')
  return dnsmasqConfig(`${lines.join('\n')}\n`, hosts)
}

interface Served {
  subnet: DeclaredSubnet
  dhcp: DeclaredDhcp
  footing: Footing
}

function subnetLines({ subnet, dhcp, footing }: Served): string[] {
  const [first, last] = dhcp.range
  const tag = subnet.name
  const servers = subnet.dns === 'larder' ? [footing.address] : subnet.dns
  const options = [
    ['router', [subnet.gateway]],
    // Empty: without it, dnsmasq names itself.
    ['dns-server', servers],
    ['domain-name', [subnet.domain]],
    ['domain-search', [subnet.domain]],
    ['ntp-server', dhcp.ntp],
  ] as const
  return [
    `interface=${footing.interface}`,
    `dhcp-range=set:${tag},${first},${last},${netmask(blockOf(subnet))},${dhcp.leaseSeconds}s`,
    ...options
      .filter(([name, values]) => values.length > 0 || name === 'dns-server')
      .map(([name, values]) => ['dhcp-option=tag:' + tag, `option:${name}`, ...values].join(',')),
  ]
}
