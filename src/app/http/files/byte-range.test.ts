import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRange } from './byte-range.ts'

test.each([
  [undefined, 10, 'whole'],
  ['', 10, 'whole'],
  ['bytes=0-0', 10, { start: 0, end: 1 }],
  ['bytes=2-5', 10, { start: 2, end: 6 }],
  ['bytes=2-', 10, { start: 2, end: 10 }],
  ['bytes=2-99', 10, { start: 2, end: 10 }],
  ['BYTES= 2-5 ', 10, { start: 2, end: 6 }],
  ['bytes=-3', 10, { start: 7, end: 10 }],
  ['bytes=-10', 10, 'whole'],
  ['bytes=-99', 10, 'whole'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=99-100', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-1', 0, 'whole'],
  ['bytes=5-2', 10, 'unsatisfiable'],
  ['bytes=-', 10, 'whole'],
  ['bytes=', 10, 'whole'],
  ['bytes=a-b', 10, 'whole'],
  ['bytes=1.5-2', 10, 'whole'],
  ['bytes=0-1,3-4', 10, 'whole'],
  ['lines=0-1', 10, 'whole'],
  [`bytes=0-${'9'.repeat(400)}`, 10, { start: 0, end: 10 }],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
] as const)('%s of %i bytes is %j', (header, sizeBytes, expected) => {
  expect(parseRange(header, sizeBytes)).toEqual(expected)
})

test('whatever is asked, a range is never empty and never outside the file', () => {
  const header = fc.oneof(
    fc.string(),
    fc.stringMatching(/^bytes=[0-9]{0,20}-[0-9]{0,20}$/),
    fc.stringMatching(/^bytes=[0-9,\- ]{0,30}$/),
  )
  fc.assert(
    fc.property(header, fc.nat(), (text, sizeBytes) => {
      const range = parseRange(text, sizeBytes)
      if (typeof range === 'string') return
      expect(range.start).toBeGreaterThanOrEqual(0)
      expect(range.end).toBeGreaterThan(range.start)
      expect(range.end).toBeLessThanOrEqual(sizeBytes)
    }),
    { numRuns: 2000 },
  )
})
