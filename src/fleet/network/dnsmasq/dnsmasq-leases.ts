import { type Clock, openIfThere } from '../../../core/index.ts'
import { addressNumber } from '../address.ts'
import type { HeldLease, HeldLeases, Lease } from '../dhcp-server.ts'
import { byAddress } from '../kea/kea-leases.ts'

export function parseLeaseFile(text: string, now: Date): Lease[] {
  return parseHeldLeases(text, now).leases.map(({ address, mac, hostname, expiresAt }) => ({
    address,
    mac,
    hostname,
    expiresAt,
  }))
}

/**
 * The lease file: `<end> <mac> <address> <name or *> <client id or *>`, end in seconds, 0 for never. What is of no such form (the DUID
 * of IPv6, a line that is cut off) is none. Source: dnsmasq(8), --dhcp-leasefile; src/lease.c.
 */
export function parseHeldLeases(text: string, now: Date): HeldLeases {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('duid '))
  const rows = lines.map((line) => parseLine(line.split(' ')))
  const known = rows.filter((row) => row !== undefined)
  const leases = known.filter(({ expiresAt }) => expiresAt > now).toSorted(byAddress)
  return { leases, unread: rows.length - known.length }
}

const never = new Date(8.64e15)

function parseLine([end = '', mac = '', address = '', hostname = '', clientId]: string[]): HeldLease | undefined {
  if (!/^[0-9]{1,12}$/.test(end) || addressNumber(address) === undefined || clientId === undefined) return undefined
  const expiresAt = end === '0' ? never : new Date(Number(end) * 1000)
  return { address, mac, hostname: orNothing(hostname), expiresAt, clientId: orNothing(clientId) }
}

const orNothing = (word: string): string => (word === '*' ? '' : word)

/** The same for leases that another server has given. dnsmasq knows those that come back by their client id or, without one, by their mac. */
export function leaseFileText(leases: readonly HeldLease[]): string {
  return leases
    .map(({ address, mac, hostname, clientId, expiresAt }) => {
      const end = expiresAt >= never ? 0 : Math.ceil(expiresAt.getTime() / 1000)
      return `${[end, mac, address, hostname || '*', clientId || '*'].join(' ')}\n`
    })
    .join('')
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
