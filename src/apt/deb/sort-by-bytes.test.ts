import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sortByBytes } from './sort-by-bytes.ts'

test('as bytes are sorted', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'B', '/', 'ü', '\uffee', '\u{1f600}', '\u{10000}'),
    maxLength: 4,
  })
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const expected = texts.map((one) => Buffer.from(one)).sort((a, b) => Buffer.compare(a, b))
      expect(sortByBytes([...texts])).toEqual(expected.map(String))
    }),
  )
})
