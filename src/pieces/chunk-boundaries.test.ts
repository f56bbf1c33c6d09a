import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunkBoundaries, mayBeginChunk } from './chunk-boundaries.ts'

const items = (names: string[]): { name: string; mayBegin: boolean }[] =>
  names.map((name) => ({ name, mayBegin: mayBeginChunk(name) }))

const chunksOf = (names: string[]): string[] => {
  let start = 0
  return chunkBoundaries(items(names)).map((end) => {
    const chunk = names.slice(start, end).join(' ')
    start = end
    return chunk
  })
}

const sortedNames = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 300, maxLength: 900 })
  .map((names) => names.sort())

test('chunks hold all names in order', () => {
  fc.assert(
    fc.property(sortedNames, (names) => {
      expect(chunksOf(names).join(' ')).toBe(names.join(' '))
    }),
    { numRuns: 30 },
  )
})

test('on average one name more changes little more than one chunk', () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `n${(index * 7919) % 100_003}`).sort()
  const before = new Set(chunksOf(names))
  let changed = 0
  for (let step = 0; step < 100; step++) {
    const more = [...names, `n${step * 991}y`].sort()
    changed += chunksOf(more).filter((chunk) => !before.has(chunk)).length
  }
  expect(before.size).toBeGreaterThan(100)
  expect(changed).toBeLessThan(250)
})

test('entries of one name are never parted, and a chunk never grows beyond its limit otherwise', () => {
  const repeated = Array.from({ length: 900 }, () => 'same')
  expect(chunkBoundaries(items(repeated))).toEqual([900])
  const unlucky = Array.from({ length: 2000 }, (_, index) => ({ name: `n${index}`, mayBegin: false }))
  expect(chunkBoundaries(unlucky)).toEqual([512, 1024, 1536, 2000])
})

test('nothing has no chunks', () => {
  expect(chunkBoundaries([])).toEqual([])
})
