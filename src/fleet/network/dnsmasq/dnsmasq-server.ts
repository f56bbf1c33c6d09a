import { rm } from 'node:fs/promises'
import { writePrivateFile } from '../../../publish/index.ts'
import { findProgram } from '../daemon/program.ts'
import type { Supervisor } from '../daemon/supervisor.ts'
import type { DhcpServer } from '../dhcp-server.ts'
import type { NetworkRoom } from '../network-room.ts'
import { dhcpConfig } from './dnsmasq-dhcp.ts'
import {
  applyDnsmasq,
  checkDnsmasq,
  dnsmasqPackage,
  dnsmasqPaths,
  ensureDnsmasq,
  runningDnsmasq,
  stopDnsmasq,
} from './dnsmasq-files.ts'
import { leaseFileText, parseHeldLeases, parseLeaseFile, readLeaseFile } from './dnsmasq-leases.ts'

/** IANA: bootps. */
const dhcpPort = 67

/** dnsmasq for DHCP: reservations are changed live, all else by a restart that keeps leases. */
export function createDnsmasqServer(room: NetworkRoom, supervisor: Supervisor): DhcpServer {
  const files = { room, supervisor, name: 'dhcp', port: dhcpPort }
  const paths = dnsmasqPaths(files)
  return {
    name: 'dnsmasq',
    store: {
      path: paths.leases,
      read: async () => parseHeldLeases(await readLeaseFile(paths.leases, room.clock), room.clock.now()),
      write: (leases) => writePrivateFile(paths.leases, leaseFileText(leases)),
      remove: () => rm(paths.leases, { force: true }),
    },
    unusable: dnsmasqUnusable,
    compile: (network, footings) => dhcpConfig(network, footings, paths),
    check: (config) => checkDnsmasq(files, config),
    running: async () => ((await findProgram('dnsmasq')) === undefined ? undefined : runningDnsmasq(files)),
    apply: (config) => applyDnsmasq(files, config),
    ensure: () => ensureDnsmasq(files),
    // It binds its socket anew when an interface gets its address.
    deafAt: () => Promise.resolve([]),
    listen: () => Promise.resolve([]),
    leases: async () => parseLeaseFile(await readLeaseFile(paths.leases, room.clock), room.clock.now()),
    stop: () => stopDnsmasq(files),
  }
}

export async function dnsmasqUnusable(): Promise<{ message: string; hint: string } | undefined> {
  if ((await findProgram('dnsmasq')) !== undefined) return undefined
  return { message: 'dnsmasq is not installed.', hint: `apt-get install ${dnsmasqPackage}` }
}
