import { readdir, readFile, readlink } from 'node:fs/promises'
import { asObject } from './kea-control.ts'
import { parseJson } from '../../../core/index.ts'
import { readInterfaces } from '../bridge.ts'
import { isGone } from '../daemon/find-process.ts'
import type { NetworkRoom } from '../network-room.ts'

/**
 * Interfaces of a configuration that a Kea has no socket at: one that was made again is another to Linux, whatever its name; at one that
 * was not up, Kea opened none. Those that are not here, not up, or without an address are left out: it could not open one now either.
 */
export async function deafInterfaces(pid: number, config: string, room: NetworkRoom): Promise<string[]> {
  const wanted = new Set(interfacesOf(config))
  const heard = await heardInterfaces(pid)
  if (heard === undefined) return []
  const interfaces = await readInterfaces(room)
  return interfaces.flatMap(({ name, index, isRunning, addresses }) =>
    wanted.has(name) && isRunning && addresses.length > 0 && !heard.has(index) ? [name] : [],
  )
}

function interfacesOf(config: string): unknown[] {
  const { interfaces } = asObject(asObject(asObject(parseJson(config))['Dhcp4'])['interfaces-config'])
  return Array.isArray(interfaces) ? interfaces : []
}

/** Numbers of the interfaces that a process has packet(7) sockets at; undefined where it has ended, or may not be looked at. */
async function heardInterfaces(pid: number): Promise<Set<number> | undefined> {
  try {
    const own = new Set<string>()
    for (const name of await readdir(`/proc/${pid}/fd`)) {
      own.add(await readlink(`/proc/${pid}/fd/${name}`).catch(() => ''))
    }
    return parsePacketSockets(await readFile(`/proc/${pid}/net/packet`, 'utf8'), own)
  } catch (error) {
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return undefined
    throw error
  }
}

/** `sk RefCnt Type Proto Iface R Rmem User Inode`; -1 is an interface that is gone. Source: Linux, net/packet/af_packet.c. */
export function parsePacketSockets(text: string, own: ReadonlySet<string>): Set<number> {
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/))
  return new Set(rows.flatMap((row) => (own.has(`socket:[${row[8] ?? ''}]`) ? [Number(row[4])] : [])))
}
