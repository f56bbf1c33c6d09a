import { expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { SmallFiles } from './small-files.ts'

test('gives up what was used least recently, and never holds more than its limit', () => {
  const small = new SmallFiles(250)
  const [a, b, c] = ['a', 'b', 'c'].map(digestOf) as [never, never, never]
  small.add(a, Buffer.alloc(100))
  small.add(b, Buffer.alloc(100))
  small.add(b, Buffer.alloc(100))
  expect(small.get(a)).toHaveLength(100)
  small.add(c, Buffer.alloc(100))
  expect([small.get(a)?.length, small.get(b), small.get(c)?.length, small.sizeBytes]).toEqual([
    100,
    undefined,
    100,
    200,
  ])
  small.add(digestOf('d'), Buffer.alloc(251))
  expect(small.sizeBytes).toBe(200)
})
