import { constants } from 'node:fs'
import { access, readdir, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { isThere } from '../../is-there.ts'
import { ensureBridge, readInterfaces, setInterface } from '../../network/bridge.ts'
import { readIfThere } from '../../read-if-there.ts'
import type { HostNetworks, NetworkCard } from './network-card.ts'

const interfaces = '/sys/class/net'

/** What machines can be put at here; undefined where this process may not make interfaces. Source: tuntap, Documentation/networking of Linux. */
export async function findHostNetworks(): Promise<HostNetworks | undefined> {
  const mayOpen = await access('/dev/net/tun', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
  if (process.getuid?.() !== 0 || !mayOpen) return undefined
  const names = await readdir(interfaces)
  const isBridge = await Promise.all(names.map((name) => isThere(`${interfaces}/${name}/bridge`)))
  return {
    interfaces: await readInterfaces({}),
    bridges: new Set(names.filter((_name, index) => isBridge[index])),
    nameServers: nameServersOf((await readIfThere('/etc/resolv.conf')) ?? ''),
  }
}

/** Pure. One that listens at this host's loopback is nobody for others. Source: resolv.conf(5). */
export function nameServersOf(text: string): string[] {
  const servers = [...text.matchAll(/^nameserver\s+([0-9.]+)\s*$/gm)].map(([, server = '']) => server)
  return servers.filter((server) => !server.startsWith('127.'))
}

/** The interfaces of a machine, each at its bridge, which is made where there is none. Idempotent. FLEET_NETWORK_INTERFACE_MISSING. */
export async function ensureTaps(cards: readonly NetworkCard[]): Promise<void> {
  for (const { end, gateway, prefixLength } of cards) {
    if (end.kind !== 'tap') continue
    const { tap, bridge } = end
    if (!(await isThere(`${interfaces}/${bridge}`)))
      await ensureBridge({ name: bridge, address: gateway, prefixLength }, {})
    if (!(await isThere(`${interfaces}/${tap}`))) await setInterface({}, ['tuntap', 'add', 'dev', tap, 'mode', 'tap'])
    await setInterface({}, ['link', 'set', 'dev', tap, 'master', bridge])
    await setInterface({}, ['link', 'set', 'dev', tap, 'up'])
  }
}

/** Whether each is still a port of its bridge: a bridge that was made again has none. */
export async function areAttached(cards: readonly NetworkCard[]): Promise<boolean> {
  const attached = cards.map(async ({ end }) => {
    if (end.kind !== 'tap') return true
    const master = await readlink(`${interfaces}/${end.tap}/master`).catch(() => '')
    return basename(master) === end.bridge
  })
  return !(await Promise.all(attached)).includes(false)
}

/** Idempotent. */
export async function removeTaps(cards: readonly NetworkCard[]): Promise<void> {
  for (const { end } of cards) {
    if (end.kind !== 'tap' || !(await isThere(`${interfaces}/${end.tap}`))) continue
    await setInterface({}, ['link', 'delete', 'dev', end.tap])
  }
}
