import { type Clock, openIfThere } from '../../../core/index.ts'
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
const settledMs = 2000
/** The buffers by which the C library writes are multiples of that. */
const blockBytes = 512

/**
 * The lease file, whole; '' where there is none. dnsmasq empties it and writes it anew at each change, a buffer at a time: one that
 * changed while it was read is read again; and one that may be but begun (it is empty, ends within a line, or where a buffer ends: 64
 * lines of 64 bytes each) until nobody has touched it for two seconds. (A new lease comes first: of a file that grew meanwhile, as
 * many bytes as it had before would lack its oldest.) Source: src/lease.c, lease_update_file.
 */
export async function readLeaseFile(path: string, clock: Clock): Promise<string> {
  for (let looks = 1; ; looks++) {
    const { text, isStill, touchedAtMs } = await readOnce(path)
    const mayBeBegun = !text.endsWith('\n') || Buffer.byteLength(text) % blockBytes === 0
    const isSettled = Math.abs(clock.now().getTime() - touchedAtMs) >= settledMs
    if ((isStill && (isSettled || !mayBeBegun)) || looks === mostLooks) return text
    await clock.sleep(lookEveryMs)
  }
}

async function readOnce(path: string): Promise<{ text: string; isStill: boolean; touchedAtMs: number }> {
  const file = await openIfThere(path)
  if (file === undefined) return { text: '', isStill: true, touchedAtMs: 0 }
  try {
    const before = await file.stat({ bigint: true })
    const bytes = await file.readFile()
    const after = await file.stat({ bigint: true })
    const isStill = before.mtimeNs === after.mtimeNs && after.size === BigInt(bytes.length)
    return { text: bytes.toString(), isStill, touchedAtMs: Number(after.mtimeMs) }
  } finally {
    await file.close()
  }
}
