import { crc32, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combineCrc32 } from './crc32-combine.ts'
import { gzipHeader, gzipPiece, gzipTrailer } from './gzip-container.ts'

test('one member put together from pieces unpacks to them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 12 }), async (contents) => {
      const plain = contents.map((content) => Buffer.from(content))
      const compressed = await Promise.all(plain.map(gzipPiece))
      const trailer = gzipTrailer(plain.map((piece) => ({ crc32: crc32(piece), sizeBytes: piece.length })))
      const member = Buffer.concat([gzipHeader, ...compressed, trailer])
      expect(gunzipSync(member).equals(Buffer.concat(plain))).toBe(true)
    }),
  )
})

test('combineCrc32 is the CRC of both together', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const whole = Buffer.concat([a, b])
      expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(whole))
    }),
  )
})

test('combineCrc32 takes lengths beyond 2^32 bits', () => {
  const zeros = Buffer.alloc(1 << 20)
  const start = crc32('start')
  let one = start
  let length = 0
  let sum = 0
  for (let count = 0; count < 600; count++) {
    one = crc32(zeros, one)
    sum = count === 0 ? crc32(zeros) : combineCrc32(sum, crc32(zeros), zeros.length)
    length += zeros.length
  }
  expect(combineCrc32(start, sum, length)).toBe(one)
})
