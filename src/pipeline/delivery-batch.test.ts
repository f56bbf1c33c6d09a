import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blockBytes, decodeBatch, encodeBatch, type JournalRecord } from './delivery-batch.ts'

const record: JournalRecord = {
  id: 7,
  receivedAt: '2026-01-01T00:00:00.000Z',
  forge: 'github',
  repository: 'lab/site',
  deliveryId: 'd-7',
  event: 'push',
  body: '{"ref":"refs/heads/main"}',
}
const records = fc.array(
  fc.record({ id: fc.nat(), deliveryId: fc.string({ unit: 'grapheme' }), body: fc.string({ maxLength: 9000 }) }),
  { minLength: 1, maxLength: 5 },
)
const encode = (some: readonly JournalRecord[], lap = 3): Buffer => encodeBatch(some, lap, Buffer.alloc(0)).bytes

test('what is written is read, whatever characters are in it', () => {
  fc.assert(
    fc.property(records, fc.nat(2 ** 48), fc.nat(3), (some, lap, blocksBefore) => {
      const all = some.map((one) => ({ ...record, ...one }))
      const before = Buffer.alloc(blocksBefore * blockBytes, 'x')
      const bytes = Buffer.concat([before, encode(all, lap)])
      expect(bytes.length % blockBytes).toBe(0)
      expect(decodeBatch(bytes, before.length)).toEqual({ lap, records: all, end: bytes.length })
    }),
  )
})

test('a buffer that is long enough is used again, and what was in it is not found behind the batch', () => {
  const buffer = Buffer.alloc(3 * blockBytes, 'x')
  const { bytes, bodies } = encodeBatch([record], 1, buffer)
  expect(bytes.buffer).toBe(buffer.buffer)
  expect(bytes).toHaveLength(blockBytes)
  expect(bodies.map(({ at, bytes: length }) => bytes.toString('utf8', at, at + length))).toEqual([record.body])
  expect(bytes.subarray(-1000)).toEqual(Buffer.alloc(1000))
})

test('a batch of which any byte is another, or that is cut off, is none', () => {
  const whole = encode([record, { ...record, id: 8 }])
  const { length } = whole.subarray(0, whole.lastIndexOf('}') + 1)
  fc.assert(
    fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= change
      expect(decodeBatch(bytes, 0)).toBeUndefined()
    }),
  )
  fc.assert(
    fc.property(fc.nat(length - 1), (end) => {
      expect(decodeBatch(whole.subarray(0, end), 0)).toBeUndefined()
      expect(decodeBatch(Buffer.concat([whole.subarray(0, end), Buffer.alloc(blockBytes)]), 0)).toBeUndefined()
    }),
  )
})

test('random bytes are no batch', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(decodeBatch(Buffer.from(bytes), 0)).toBeUndefined()
    }),
  )
})
