import { stat } from 'node:fs/promises'
import type { Clock } from '../../../core/index.ts'
import { readIfThere } from '../../read-if-there.ts'
import { addressNumber } from '../address.ts'
import type { Lease } from '../dhcp-server.ts'
import { byAddress } from '../kea/kea-leases.ts'

/**
 * The lease file: `<end> <mac> <address> <name or *> <client id or *>`, end in seconds, 0 for never. What is of no such form (the DUID
 * of IPv6, a line that is cut off) is none. Source: dnsmasq(8), --dhcp-leasefile; src/lease.c.
 */
export function parseLeaseFile(text: string, now: Date): Lease[] {
  const lines = text.split('\n').map((line) => line.split(' '))
  return lines
    .flatMap(([end = '', mac = '', address = '', hostname = '', clientId]) => {
      if (!/^[0-9]{1,12}$/.test(end) || addressNumber(address) === undefined || clientId === undefined) return []
      const expiresAt = end === '0' ? new Date(8.64e15) : new Date(Number(end) * 1000)
      return expiresAt <= now ? [] : [{ address, mac, hostname: hostname === '*' ? '' : hostname, expiresAt }]
    })
    .toSorted(byAddress)
}

const lookEveryMs = 20
const mostLooks = 250
const settledMs = 1000

/**
 * The lease file, whole; '' where there is none. dnsmasq empties it and writes it anew at each change: one that is empty, or
 * ends within a line, is read again until nobody has touched it for a second. Source: src/lease.c, lease_update_file.
 */
export async function readLeaseFile(path: string, clock: Clock): Promise<string> {
  for (let looks = 1; ; looks++) {
    const text = await readIfThere(path)
    if (text === undefined) return ''
    if (text.endsWith('\n') || looks === mostLooks || !(await isJustTouched(path, clock))) return text
    await clock.sleep(lookEveryMs)
  }
}

async function isJustTouched(path: string, clock: Clock): Promise<boolean> {
  const { mtimeMs } = await stat(path)
  return Math.abs(clock.now().getTime() - mtimeMs) < settledMs
}
