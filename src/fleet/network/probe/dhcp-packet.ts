import { addressText } from '../address.ts'

/** What a DHCP server offers. */
export interface Offer {
  /** What the server calls itself, option 54. */
  server: string
  /** Address that is offered. */
  address: string
}

const [discover, offer] = [1, 2]
/** RFC 2131 §3: what DHCP options begin with. */
const cookie = Buffer.from([99, 130, 83, 99])
const optionsAt = 240
/** BOOTP packets have at least 300 bytes (RFC 951 §3). */
const leastBytes = 300

/** A DHCPDISCOVER, which asks for an answer to all (RFC 2131 §4.1). `mac`: 6 bytes. */
export function discoverPacket(transaction: number, mac: Uint8Array): Buffer {
  const packet = Buffer.alloc(leastBytes)
  packet.set([1, 1, 6, 0])
  packet.writeUInt32BE(transaction, 4)
  packet.writeUInt16BE(0x8000, 10)
  packet.set(mac.subarray(0, 6), 28)
  packet.set(cookie, optionsAt - cookie.length)
  // Message type; what is asked for (mask, router, name servers); end.
  packet.set([53, 1, discover, 55, 3, 1, 3, 6, 255], optionsAt)
  return packet
}

/** The offer that answers a transaction; undefined for anything else, however it is damaged. */
export function parseOffer(packet: Buffer, transaction: number): Offer | undefined {
  if (packet.length < optionsAt || packet[0] !== 2 || packet.readUInt32BE(4) !== transaction) return undefined
  if (!packet.subarray(optionsAt - cookie.length, optionsAt).equals(cookie)) return undefined
  const options = readOptions(packet)
  const server = options.get(54)
  if (options.get(53)?.[0] !== offer || server?.length !== 4) return undefined
  return { server: addressText(server.readUInt32BE()), address: addressText(packet.readUInt32BE(16)) }
}

/** RFC 2132 §2. */
function readOptions(packet: Buffer): Map<number, Buffer> {
  const options = new Map<number, Buffer>()
  let at = optionsAt
  while (at < packet.length && packet[at] !== 255) {
    const code = packet[at]!
    if (code === 0) {
      at += 1
      continue
    }
    const length = packet[at + 1] ?? 0
    if (at + 2 + length > packet.length) break
    options.set(code, packet.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return options
}
