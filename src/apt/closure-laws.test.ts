import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeSyntheticIndex, randomFrom } from '../../test/fixtures/synthetic-index.ts'
import { universeOf } from '../../test/fixtures/universe-of.ts'
import { isLarderError } from '../core/index.ts'
import { type ClosureRequest, type ListedForClosure, resolveClosure } from './closure.ts'
import { worldOf } from './closure/world.ts'
import { proveInstallable, type WantedRows } from './installability.ts'
import { list } from './testing/closure-cases.ts'
import type { Universe } from './universe.ts'

describe('properties, over made-up universes', () => {
  const seeds = fc.record({
    seed: fc.integer({ min: 0, max: 1_000_000 }),
    names: fc.integer({ min: 3, max: 14 }),
    architectures: fc.constantFrom<string[]>(['amd64', 'all'], ['amd64', 'i386', 'all']),
    recommends: fc.boolean(),
  })
  const build = async (given: { seed: number; names: number; architectures: string[] }): Promise<Universe> =>
    universeOf(
      [{ upstream: 'a', text: makeSyntheticIndex(given) }],
      given.architectures.filter((name) => name !== 'all'),
    )

  const nativeRows = (universe: Universe, rows: readonly number[]): WantedRows[] =>
    universe.architectures.map((architecture) => {
      const world = worldOf(universe, architecture)
      return { world, rows: rows.filter((row) => world.isNative(row)) }
    })

  /** What of all packages can be listed on its own. */
  const listable = (universe: Universe, recommends: boolean): string[] =>
    [...universe.packageNames()].filter((name) => isResolvable(universe, { listed: list(name), recommends }))
  const isResolvable = (universe: Universe, request: ClosureRequest): boolean => {
    try {
      resolveClosure(universe, request)
      return true
    } catch (error) {
      if (isLarderError(error, 'CLOSURE_UNSATISFIABLE')) return false
      throw error
    }
  }

  it('is closed and installable; the order of the list, and what was asked before, do not matter', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (given) => {
        const universe = await build(given)
        const names = listable(universe, given.recommends)
        const request = { listed: list(...names), recommends: given.recommends }
        const closure = resolveClosure(universe, request)
        expect(proveInstallable(universe, closure.worlds)).toEqual([])
        const random = randomFrom(given.seed)
        const shuffled = list(
          ...names
            .map((name) => ({ name, key: random() }))
            .sort((a, b) => a.key - b.key)
            .map(({ name }) => name),
        )
        const fresh = await build(given)
        expect(resolveClosure(fresh, { ...request, listed: shuffled }).rows).toEqual(closure.rows)
      }),
      {
        numRuns: 60,
        // i386 machines need an amd64 package here, which needs one for all that lacks something on amd64.
        examples: [[{ seed: 987_866, names: 11, architectures: ['amd64', 'i386', 'all'], recommends: false }]],
      },
    )
  })

  it('adds nothing when all of a closure is listed', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (given) => {
        const universe = await build(given)
        const closure = resolveClosure(universe, { listed: list(...listable(universe, false).slice(0, 4)) })
        const listed = Array.from(closure.rows, (row): ListedForClosure => {
          const architecture = universe.architecture(row)
          return {
            name: universe.name(row),
            constraint: { operator: '=', version: universe.version(row) },
            ...(architecture === 'all' ? {} : { architecture }),
            exclude: [],
          }
        })
        fc.pre(given.architectures.length === 2)
        expect(resolveClosure(universe, { listed }).rows).toEqual(closure.rows)
      }),
      { numRuns: 60 },
    )
  })

  it('stays proved when the set grows', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (given) => {
        const universe = await build(given)
        const random = randomFrom(given.seed)
        const all = Array.from({ length: universe.rowCount }, (_, row) => row)
        const some = all.filter(() => random() < 0.7)
        const unproved = (rows: readonly number[]): Set<number> =>
          new Set(proveInstallable(universe, nativeRows(universe, rows)).map(({ row }) => row))
        const broken = unproved(some)
        // What is proved without anything that is not: on another machine, that may have been what a proof stands on.
        let provedRows = some
        for (let bad = broken; bad.size > 0; bad = unproved(provedRows)) {
          const without = bad
          provedRows = provedRows.filter((row) => !without.has(row))
        }
        const proved = nativeRows(universe, provedRows)
        const stillBroken = proveInstallable(universe, nativeRows(universe, all)).map(({ row }) => row)
        expect(stillBroken.filter((row) => some.includes(row) && !broken.has(row))).toEqual([])
        // What is known to be proved is not looked at again, unless something of it has gone.
        expect(proveInstallable(universe, nativeRows(universe, all), proved).map(({ row }) => row)).toEqual(stillBroken)
        const fewer = all.filter(() => random() < 0.7)
        const asFromNothing = proveInstallable(universe, nativeRows(universe, fewer)).map(({ row }) => row)
        expect(proveInstallable(universe, nativeRows(universe, fewer), proved).map(({ row }) => row)).toEqual(
          asFromNothing,
        )
      }),
      {
        numRuns: 60,
        // A package for all that cannot be installed on i386 machines is what one on amd64 machines needs.
        examples: [[{ seed: 347_377, names: 14, architectures: ['amd64', 'i386', 'all'], recommends: false }]],
      },
    )
  })
})
