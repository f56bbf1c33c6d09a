import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { discoverPacket, parseOffer } from './dhcp-packet.ts'

const mac = Buffer.from('020000000007', 'hex')

/** An answer to a DISCOVER, as RFC 2131 §2 draws it. */
function offerPacket(transaction: number, options: readonly number[]): Buffer {
  const packet = discoverPacket(transaction, mac)
  packet[0] = 2
  packet.set([10, 77, 0, 15], 16)
  packet.fill(0, 240)
  packet.set(options, 240)
  return packet
}

const good = [53, 1, 2, 0, 54, 4, 10, 77, 0, 66, 51, 4, 0, 0, 14, 16, 255]

describe('DHCP packets', () => {
  it('asks for an answer to all', () => {
    const packet = discoverPacket(0x01020304, mac)
    expect(packet).toHaveLength(300)
    expect(packet.subarray(0, 12).toString('hex')).toBe('010106000102030400008000')
    expect(packet.subarray(28, 34)).toEqual(mac)
    expect(packet.subarray(236, 243).toString('hex')).toBe('63825363350101')
  })

  it('knows an offer', () => {
    expect(parseOffer(offerPacket(7, good), 7)).toEqual({ server: '10.77.0.66', address: '10.77.0.15' })
  })

  it.each([
    ['of another transaction', offerPacket(8, good)],
    ['that is a question', discoverPacket(7, mac)],
    ['that is no offer', offerPacket(7, [53, 1, 5, 54, 4, 10, 77, 0, 66, 255])],
    ['without a server', offerPacket(7, [53, 1, 2, 255])],
    ['with half an address', offerPacket(7, [53, 1, 2, 54, 2, 10, 77, 255])],
    ['that ends in an option', offerPacket(7, good).subarray(0, 246)],
    ['without a cookie', offerPacket(7, good).fill(0, 236, 240)],
    ['of nothing', Buffer.alloc(0)],
  ])('knows nothing %s', (_what, packet) => {
    expect(parseOffer(packet, 7)).toBeUndefined()
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const packet = Buffer.concat([offerPacket(7, []).subarray(0, 240), bytes])
        const offer = parseOffer(packet, 7)
        expect(offer === undefined || /^[0-9.]+$/.test(offer.server)).toBe(true)
        expect(parseOffer(Buffer.from(bytes), 7)).toBeUndefined()
      }),
    )
  })
})
