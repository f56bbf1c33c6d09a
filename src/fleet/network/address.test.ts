import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressNumber, addressText, blockText, isWithin, netmask, parseBlock } from './address.ts'

describe('addresses', () => {
  it('are numbers and back', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (number) => {
        expect(addressNumber(addressText(number))).toBe(number)
      }),
    )
  })

  it.each(['', '10.1.2', '10.1.2.3.4', '10.1.2.256', '010.1.2.3', '0x0a.1.2.3', '10.1.2.3 ', '::1', '10.1.2.3/24'])(
    '%j is none',
    (text) => {
      expect(addressNumber(text)).toBeUndefined()
    },
  )

  it.each([
    ['192.168.137.7/24', '192.168.137.0/24', '255.255.255.0'],
    ['10.255.0.1/8', '10.0.0.0/8', '255.0.0.0'],
    ['10.1.2.130/25', '10.1.2.128/25', '255.255.255.128'],
    ['255.255.255.255/32', '255.255.255.255/32', '255.255.255.255'],
    ['1.2.3.4/0', '0.0.0.0/0', '0.0.0.0'],
  ])('%s is in %s', (text, expected, mask) => {
    const block = parseBlock(text)!
    expect([blockText(block), netmask(block)]).toEqual([expected, mask])
    expect(isWithin(block, addressNumber(text.split('/')[0]!)!)).toBe(true)
    expect(isWithin(block, block.last + 1)).toBe(false)
  })

  it.each(['10.1.2.0', '10.1.2.0/', '10.1.2.0/33', '10.1.2.0/-1', '10.1.2.0/2.5', '10.1.2.0/024', 'fd00::/8'])(
    '%j is no subnet',
    (text) => {
      expect(parseBlock(text)).toBeUndefined()
    },
  )
})
