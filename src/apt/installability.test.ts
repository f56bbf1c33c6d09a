import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeSyntheticIndex } from '../../test/fixtures/synthetic-index.ts'
import { type Entry, universeOf } from '../../test/fixtures/universe-of.ts'
import { RelationField } from './table/table-layout.ts'
import { proveInstallable, type WantedRows } from './installability.ts'
import { worldOf } from './closure/world.ts'
import type { Universe } from './universe.ts'

const allRows = (universe: Universe): number[] => Array.from({ length: universe.rowCount }, (_, row) => row)

/** All that there is, to be installed on machines of one architecture. */
const everything = (universe: Universe, native = 'amd64'): WantedRows[] => [
  { world: worldOf(universe, native), rows: allRows(universe) },
]

describe('proveInstallable', () => {
  it.each<[string, Entry[], string[]]>([
    [
      'a conflict between two that are needed together',
      [['a 1', { Depends: 'b, c' }], ['b 1', { Conflicts: 'c' }], ['c 1']],
      ['a'],
    ],
    ['a conflict with what is not needed', [['a 1', { Depends: 'b' }], ['b 1', { Conflicts: 'c' }], ['c 1']], []],
    ['a package that breaks what it needs', [['a 1', { Depends: 'b', Breaks: 'b (<< 2)' }], ['b 1']], ['a']],
    [
      'a newer version beside the one that is broken',
      [['a 1', { Depends: 'b', Breaks: 'b (<< 2)' }], ['b 1'], ['b 2']],
      [],
    ],
    [
      'a package that conflicts with what it provides',
      [
        ['a 1', { Provides: 'x', Conflicts: 'x' }],
        ['b 1', { Depends: 'a, x' }],
      ],
      [],
    ],
    [
      'a conflict with a versioned Provides',
      [
        ['a 1', { Depends: 'b', Conflicts: 'x (<< 3)' }],
        ['b 1', { Provides: 'x (= 2)' }],
      ],
      ['a'],
    ],
    [
      'a versioned conflict with a plain Provides',
      [
        ['a 1', { Depends: 'b', Conflicts: 'x (<< 3)' }],
        ['b 1', { Provides: 'x' }],
      ],
      [],
    ],
    [
      'two versions of one name',
      [['a 1', { Depends: 'b (= 1), c' }], ['c 1', { Depends: 'b (= 2)' }], ['b 1'], ['b 2']],
      ['a'],
    ],
    [
      'a loop',
      [
        ['a 1', { Depends: 'b' }],
        ['b 1', { 'Pre-Depends': 'a' }],
      ],
      [],
    ],
    ['a conflict with its own name', [['a 2', { Conflicts: 'a (<< 2)' }], ['a 1'], ['b 1', { Depends: 'a' }]], []],
    [
      'what is missing',
      [['a 1', { Depends: 'b' }], ['b 1', { Depends: 'gone' }], ['c 1', { Depends: 'b | d' }], ['d 1']],
      ['a', 'b'],
    ],
    [
      'three that each exclude one way: found by search',
      [
        ['a 1', { Depends: 'x | y, y | z, z | x, w' }],
        ['x 1', { Conflicts: 'y' }],
        ['y 1', { Conflicts: 'z' }],
        ['z 1', { Conflicts: 'w | x' }],
        ['w 1'],
      ],
      ['a'],
    ],
  ])('%s', async (_, entries, expected) => {
    const universe = await universeOf([entries])
    expect(proveInstallable(universe, everything(universe)).map(({ row }) => universe.name(row))).toEqual(expected)
  })

  it('wants Multi-Arch: same in step', async () => {
    const lib = (architecture: string, multiArch: string): Entry => [
      `lib ${multiArch === 'other' ? 2 : 1}`,
      { Architecture: architecture, 'Multi-Arch': multiArch === 'other' ? 'same' : multiArch },
    ]
    for (const [multiArch, isGood] of [
      ['same', true],
      ['no', false],
      ['other', false],
    ] as const) {
      const asker: Entry = ['a 1', { Depends: 'lib, lib:i386' }]
      const universe = await universeOf(
        [[asker, lib('amd64', multiArch === 'other' ? 'same' : multiArch), lib('i386', multiArch)]],
        ['amd64', 'i386'],
      )
      expect(proveInstallable(universe, everything(universe)).some(({ row }) => row === 0)).toBe(!isGood)
    }
  })

  it('says what stands against it', async () => {
    const universe = await universeOf([[['a 1', { Depends: 'b, c' }], ['b 1', { Breaks: 'c (<< 2)' }], ['c 1']]])
    expect(proveInstallable(universe, everything(universe))).toEqual([
      { row: 0, kind: 'not-installable', message: 'a → b, but a → c: b Breaks c (<< 2), and c 1 is that' },
    ])
  })

  it('tells who rules out whom, where the other one needs what is ruled out', async () => {
    const message = 'b Conflicts x, and c 1 is that'
    const entries: Entry[] = [
      ['a 1', { Depends: 'b, c' }],
      ['b 1', { Conflicts: 'x' }],
      ['c 1', { Provides: 'x', Depends: 'x' }],
    ]
    for (const given of [entries, entries.toReversed()]) {
      const universe = await universeOf([given])
      const problems = proveInstallable(universe, everything(universe))
      expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining(message) })])
    }
  })

  it('asks machines of each architecture about what is there for them, and says on which it fails', async () => {
    const universe = await universeOf(
      [
        [
          ['asker 1', { Architecture: 'i386', Depends: 'tool' }],
          ['tool 1', { Architecture: 'amd64', Depends: 'data', 'Multi-Arch': 'foreign' }],
          ['data 1', { Architecture: 'all', Depends: 'lib', 'Multi-Arch': 'foreign' }],
          ['lib 1', { Architecture: 'i386' }],
        ],
      ],
      ['amd64', 'i386'],
    )
    const [asker, tool, data, lib] = [0, 1, 2, 3]
    const wanted = (native: string, ...rows: number[]): WantedRows => ({ world: worldOf(universe, native), rows })
    expect(proveInstallable(universe, [wanted('amd64'), wanted('i386', asker, tool, data, lib)])).toEqual([])
    expect(proveInstallable(universe, [wanted('amd64', tool), wanted('i386', asker, tool, data, lib)])).toEqual([
      { row: tool, kind: 'not-installable', message: expect.stringMatching(/^tool → data → lib: .* \(on amd64\)$/) },
    ])
    // What is there for another architecture is there for all.
    expect(proveInstallable(universe, [wanted('amd64', tool), wanted('i386', asker, data, lib)])).toHaveLength(1)
  })

  it('says the same as trying every subset', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.constantFrom(0.2, 0.6),
        fc.constantFrom(['amd64'], ['amd64', 'i386']),
        async (seed, conflicts, architectures) => {
          const text = makeSyntheticIndex({ seed, names: 6, conflicts, architectures: [...architectures, 'all'] })
          const universe = await universeOf([{ upstream: 'a', text }], architectures)
          fc.pre(universe.rowCount <= 12)
          for (const native of architectures) {
            const broken = new Set(proveInstallable(universe, everything(universe, native)).map(({ row }) => row))
            expect(allRows(universe).filter((row) => !broken.has(row))).toEqual(bruteForce(universe, native))
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

/** Rows that are in some subset which satisfies dpkg. */
function bruteForce(universe: Universe, native: string): number[] {
  const world = worldOf(universe, native)
  const { nameOf, rowCount } = universe
  const installable = new Set<number>()
  const clausesOf = (row: number, from: number, to: number): Uint32Array => {
    const first = universe.relationsAt(row)
    const { relation, relationBounds } = universe
    return relation.subarray(relationBounds[first + from], relationBounds[first + to + 1])
  }
  const isSound = (set: readonly number[]): boolean =>
    set.every(
      (row) =>
        clausesOf(row, RelationField.preDepends, RelationField.depends).every((clause) =>
          world.satisfiers(clause, row).some((satisfier) => set.includes(satisfier)),
        ) &&
        clausesOf(row, RelationField.conflicts, RelationField.breaks).every((clause) =>
          world.ruledOut(clause).every((other) => nameOf[other] === nameOf[row] || !set.includes(other)),
        ) &&
        set.every((other) => other === row || nameOf[other] !== nameOf[row] || world.isSameNameAllowed(row, other)),
    )
  for (let bits = 1; bits < 1 << rowCount; bits++) {
    const set = Array.from({ length: rowCount }, (_, row) => row).filter((row) => bits & (1 << row))
    if (set.some((row) => !installable.has(row)) && isSound(set)) for (const row of set) installable.add(row)
  }
  return [...installable].sort((a, b) => a - b)
}
