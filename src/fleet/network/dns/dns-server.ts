import type { DeclaredNetwork, DeclaredSubnet } from '../declared-network.ts'
import type { Applied, Footings, ServerConfig } from '../dhcp-server.ts'
import {
  applyDnsmasq,
  checkDnsmasq,
  dnsmasqConfig,
  dnsmasqPaths,
  ensureDnsmasq,
  runningDnsmasq,
  stopDnsmasq,
} from '../dnsmasq/dnsmasq-files.ts'
import { dnsmasqUnusable } from '../dnsmasq/dnsmasq-server.ts'
import type { NetworkRoom } from '../network-room.ts'
import type { Supervisor } from '../daemon/supervisor.ts'

/** RFC 1035 §4.2.1 */
const dnsPort = 53

/** Answers for the names of the site at our address in each of its networks. Names are changed live, without a question lost. */
export interface DnsServer {
  unusable(): Promise<{ message: string; hint: string } | undefined>
  /** Pure. Undefined where no network asks for it, or none is here yet. */
  compile(network: DeclaredNetwork, footings: Footings, hosts: string): ServerConfig | undefined
  check(config: ServerConfig): Promise<void>
  running(): Promise<string | undefined>
  apply(config: ServerConfig): Promise<Applied>
  ensure(): Promise<boolean>
  stop(): Promise<void>
}

/** One way for whichever DHCP server: a dnsmasq that does nothing else. */
export function createDnsServer(room: NetworkRoom, supervisor: Supervisor): DnsServer {
  const files = { room, supervisor, name: 'dns', port: dnsPort }
  const { hosts } = dnsmasqPaths(files)
  return {
    unusable: dnsmasqUnusable,
    compile: (network, footings, names) => dnsConfig(network, footings, { hosts, names }),
    check: (config) => checkDnsmasq(files, config),
    running: async () => ((await dnsmasqUnusable()) === undefined ? runningDnsmasq(files) : undefined),
    apply: (config) => applyDnsmasq(files, config),
    ensure: () => ensureDnsmasq(files),
    stop: () => stopDnsmasq(files),
  }
}

/** Source: dnsmasq(8) 2.90. */
function dnsConfig(
  network: DeclaredNetwork,
  footings: Footings,
  { hosts, names }: { hosts: string; names: string },
): ServerConfig | undefined {
  const served = network.subnets.filter(({ dns, name }) => dns === 'larder' && footings[name] !== undefined)
  if (served.length === 0) return undefined
  const lines = [
    'port=53',
    'user=root',
    'group=root',
    'pid-file=',
    'log-facility=-',
    // Addresses of bridges may go and come again.
    'bind-dynamic',
    ...served.map(({ name }) => `listen-address=${footings[name]?.address ?? ''}`),
    'no-hosts',
    `addn-hosts=${hosts}`,
    'cache-size=1000',
    // Names of the site, of no domain, and of private addresses are nobody else's to answer.
    'domain-needed',
    'bogus-priv',
    ...[...new Set(served.map(({ domain }) => domain))].map((domain) => `local=/${domain}/`),
    ...forwardLines(served),
  ]
  return dnsmasqConfig(`${lines.join('\n')}\n`, names)
}

/** Whom it asks; where networks name different ones, all of them. */
function forwardLines(served: readonly DeclaredSubnet[]): string[] {
  const declared = served.flatMap(({ forward }) => (forward === undefined ? [] : [forward]))
  if (declared.length === 0) return ['dns-loop-detect']
  return ['no-resolv', ...new Set(declared.flat().map((server) => `server=${server}`))]
}
