import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ListedPackage } from './format.ts'
import { wishesOf } from './list-wishes.ts'

const position = { file: 'packages.json', line: 1, column: 1 }
const listed = fc.record(
  {
    name: fc.oneof(fc.constantFrom('a', 'b', '["a"]', 'a\nb', '["a",null,null,null,[]]', ''), fc.string()),
    constraint: fc.record(
      { operator: fc.constantFrom('=', '>='), version: fc.constantFrom('1', '2') },
      { noNullPrototype: true },
    ),
    architecture: fc.constantFrom('amd64', 'all'),
    recommends: fc.boolean(),
    exclude: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }),
  },
  { requiredKeys: ['name', 'exclude'], noNullPrototype: true },
) as fc.Arbitrary<Omit<ListedPackage, 'position'>>
const lists = fc.array(listed, { maxLength: 4 })
const place = (list: readonly Omit<ListedPackage, 'position'>[], line: number): ListedPackage[] =>
  list.map((one) => ({ ...one, position: { ...position, line } }))

it('is the same for the same wishes, wherever they are written, and for no others', () => {
  fc.assert(
    fc.property(lists, lists, (one, other) => {
      const sorted = (list: typeof one) => list.map((entry) => Object.entries(entry).toSorted())
      const isSame = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
      expect(wishesOf(place(one, 1)) === wishesOf(place(other, 2))).toBe(isSame)
    }),
    {
      numRuns: 2000,
      examples: [
        [[{ name: 'a', exclude: [] }], [{ name: 'a', exclude: [] }]],
        [
          [
            { name: 'a', exclude: [] },
            { name: 'b', exclude: [] },
          ],
          [{ name: 'a\nb', exclude: [] }],
        ],
      ],
    },
  )
})
