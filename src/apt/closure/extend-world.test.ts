import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeSyntheticIndex, randomFrom } from '../../../test/fixtures/synthetic-index.ts'
import { type Entry, namesOf, universeOf } from '../../../test/fixtures/universe-of.ts'
import { isLarderError } from '../../core/index.ts'
import { type Closure, type ClosureRequest, resolveClosure } from '../closure.ts'
import type { Universe } from '../universe.ts'
import { extendWorld } from './extend-world.ts'
import type { ListedForClosure } from './request.ts'

const listed = (name: string): ListedForClosure => ({ name, exclude: [] })

/** All that anybody is told of a closure. */
function told(universe: Universe, { rows, notes, worlds, reasons }: Closure): unknown {
  return {
    rows,
    notes,
    reasons: Array.from(rows, (row) => reasons.of(row)),
    worlds: worlds.map(({ rows, roots, decisions, lowered, unmet }) => ({
      rows,
      roots: roots.map(({ row, root }) => [row, root.listed?.name, root.candidates]),
      decisions,
      lowered: lowered.map(({ taken, wanted }) => [universe.describe(taken), universe.describe(wanted)]),
      unmet,
    })),
  }
}

/** Whether what is listed last can be had by extending the closure of the others. */
function isExtended(universe: Universe, names: readonly string[]): boolean {
  const [last] = names.slice(-1)
  const [world] = resolveClosure(universe, { listed: names.slice(0, -1).map(listed) }).worlds
  return (
    extendWorld(world!, [{ listed: listed(last!), candidates: Array.from(universe.rowsNamed(last!)) }]) !== undefined
  )
}

describe('extendWorld', () => {
  it.each<{ title: string; entries: Entry[]; names: string[]; isPossible: boolean; rows: string[] }>([
    {
      title: 'takes what comes and all that it needs',
      entries: [['a 1', { Depends: 'lib' }], ['lib 1'], ['b 1', { Depends: 'b-data, lib' }], ['b-data 1']],
      names: ['a', 'b'],
      isPossible: true,
      rows: ['a 1', 'b 1', 'b-data 1', 'lib 1'],
    },
    {
      title: 'lists what was needed by another',
      entries: [['a 1', { Depends: 'lib' }], ['lib 1', { Depends: 'c' }], ['c 1']],
      names: ['a', 'lib'],
      isPossible: true,
      rows: ['a 1', 'c 1', 'lib 1'],
    },
    {
      title: 'not where a choice is left',
      entries: [['a 1'], ['b 1', { Depends: 'x | y' }], ['x 1'], ['y 1']],
      names: ['a', 'b'],
      isPossible: false,
      rows: ['a 1', 'b 1', 'x 1'],
    },
    {
      title: 'where the choice has been forced before',
      entries: [['a 1', { Depends: 'y' }], ['b 1', { Depends: 'x | y' }], ['x 1'], ['y 1']],
      names: ['a', 'b'],
      isPossible: true,
      rows: ['a 1', 'b 1', 'y 1'],
    },
    {
      title: 'not where what comes would do for what was decided',
      entries: [['a 1', { Depends: 'x | y' }], ['x 1'], ['y 1']],
      names: ['a', 'y'],
      isPossible: false,
      rows: ['a 1', 'y 1'],
    },
    {
      title: 'not where another choice comes to be looked at first',
      entries: [
        ['a 1', { Depends: 'c | d' }],
        ['b 1', { Depends: 'e' }],
        ['e 1', { Depends: 'f' }],
        ['f 1', { Depends: 'd | c' }],
        ['c 1'],
        ['d 1'],
      ],
      names: ['b', 'a'],
      isPossible: false,
      rows: ['a 1', 'b 1', 'c 1', 'e 1', 'f 1'],
    },
    {
      title: 'not where what is needed excludes itself by its first choice',
      entries: [['a 1'], ['b 1', { Depends: 'x, y' }], ['x 1', { Conflicts: 'y (<< 2)' }], ['y 1'], ['y 2']],
      names: ['a', 'b'],
      isPossible: false,
      rows: ['a 1', 'b 1', 'x 1', 'y 2'],
    },
  ])('$title', async ({ entries, names, isPossible, rows }) => {
    const universe = await universeOf([entries])
    expect(isExtended(universe, names)).toBe(isPossible)
    const earlier = resolveClosure(universe, { listed: names.slice(0, -1).map(listed) })
    const closure = resolveClosure(universe, { listed: names.map(listed) }, earlier)
    expect(namesOf(universe, closure.rows)).toEqual(rows)
  })

  it('says the same as when all is looked at, however a list grows', async () => {
    const counts = { steps: 0, extended: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.integer({ min: 4, max: 40 }),
        fc.constantFrom(0, 0.05, 0.25),
        fc.constantFrom<'none' | 'required'>('none', 'required'),
        async (seed, names, conflicts, base) => {
          const random = randomFrom(seed)
          const text = makeSyntheticIndex({ seed, names, conflicts, versions: 1 + (seed % 2) })
          const universe = await universeOf([{ upstream: 'a', text }])
          const exclude = seed % 3 === 0 ? ['p1'] : []
          let entries: ListedForClosure[] = []
          let earlier: Closure | undefined
          for (const name of [...universe.packageNames()].sort(() => random() - 0.5)) {
            const place = Math.floor(random() * (entries.length + 1))
            const longer = [...entries.slice(0, place), listed(name), ...entries.slice(place)]
            const request: ClosureRequest = { listed: longer, base, exclude }
            const afresh = tryResolve(universe, request)
            if (afresh === undefined) continue
            const extended = resolveClosure(universe, request, earlier)
            expect(told(universe, extended)).toEqual(told(universe, afresh))
            counts.steps++
            if (earlier !== undefined && extended.worlds[0]!.decisions === earlier.worlds[0]!.decisions)
              counts.extended++
            entries = longer
            earlier = extended
          }
        },
      ),
      { numRuns: 60 },
    )
    // Of so tangled a universe more than a few, or this proves nothing.
    expect(counts.extended).toBeGreaterThan(counts.steps / 20)
  })
})

function tryResolve(universe: Universe, request: ClosureRequest): Closure | undefined {
  try {
    return resolveClosure(universe, request)
  } catch (error) {
    if (isLarderError(error, 'CLOSURE_UNSATISFIABLE')) return undefined
    throw error
  }
}
