import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Closure, resolveClosure } from './closure.ts'
import { proveInstallable } from './installability.ts'
import { parseDependency } from './parse-dependency.ts'
import { type Capability, type Expression, isRich, overlaps } from './relation.ts'
import { arbitraryPackages } from './testing/arbitrary-packages.ts'
import { entryOf, type PackageEntry, rpmUniverseOf } from './testing/rows-of.ts'
import type { Universe } from './universe.ts'
import { parseEvr } from './version.ts'

const packages = arbitraryPackages({ maxLength: 8, architectures: ['x86_64'] })

describe('closure against all subsets', () => {
  it('finds a solution exactly where there is one, and keeps it', () => {
    fc.assert(
      fc.property(packages, (entries) => {
        const universe = rpmUniverseOf([entries])
        const valid = validSubsets(entries)
        const broken = new Set(proveInstallable(universe, entries.keys()).map(({ row }) => row))
        entries.forEach((_, row) => {
          expect(broken.has(row)).toBe(!valid.some((subset) => (subset & (1 << row)) !== 0))
        })
        const good = entries.filter((_, row) => !broken.has(row))
        const closure = resolve(universe, good)
        expectWhole(
          closure,
          valid,
          good.map((one) => entries.indexOf(one)),
        )
        expect(proveInstallable(universe, closure.rows)).toEqual([])
        for (const one of entries) if (!good.includes(one)) expect(() => resolve(universe, [one])).toThrow()
      }),
      { numRuns: 400 },
    )
  })

  it('gives the same whatever the order of the list', () => {
    fc.assert(
      fc.property(packages, fc.integer(), (entries, seed) => {
        const universe = rpmUniverseOf([entries])
        const broken = new Set(proveInstallable(universe, entries.keys()).map(({ row }) => row))
        const good = entries.filter((_, row) => !broken.has(row))
        const shuffled = good
          .map((one, place) => ({ one, key: (place * 7919 + seed) % 31 }))
          .sort((a, b) => a.key - b.key)
        const again = resolve(
          rpmUniverseOf([entries]),
          shuffled.map(({ one }) => one),
        )
        expect(Array.from(again.rows)).toEqual(Array.from(resolve(universe, good).rows))
      }),
      { numRuns: 150 },
    )
  })
})

function resolve(universe: Universe, entries: readonly PackageEntry[]): Closure {
  return resolveClosure(universe, {
    listed: entries.map(({ name, evr = '' }) => ({ name, exclude: [], constraint: { operator: '=', version: evr } })),
  })
}

/** For each root there is a subset of the closure that holds it and lacks nothing. */
function expectWhole({ rows }: Closure, valid: readonly number[], roots: readonly number[]): void {
  const held = Array.from(rows).reduce((mask, row) => mask | (1 << row), 0)
  for (const root of roots)
    expect(valid.some((subset) => (subset & (1 << root)) !== 0 && (subset & ~held) === 0)).toBe(true)
}

function validSubsets(entries: readonly PackageEntry[]): number[] {
  const found: number[] = []
  for (let subset = 1; subset < 1 << entries.length; subset++) {
    const set = entries.filter((_, place) => (subset & (1 << place)) !== 0)
    if (set.every((one) => isAtHome(one, set))) found.push(subset)
  }
  return found
}

function isAtHome(one: PackageEntry, set: readonly PackageEntry[]): boolean {
  const others = set.filter((other) => other !== one)
  if (others.some(({ name }) => name === one.name)) return false
  const lacks = (one.requires ?? []).some((text) => !isTrue(parseDependency(text), { there: set, absent: set }))
  const collides = (one.conflicts ?? []).some((text) => isTrue(parseDependency(text), { there: others, absent: set }))
  const replaces = (one.obsoletes ?? []).some((text) =>
    others.some(({ name, evr = '' }) => overlaps({ name, comparison: '=', evr: parseEvr(evr) }, capability(text))),
  )
  return !lacks && !collides && !replaces
}

interface Sets {
  /** What counts where the expression asks that something be there. */
  there: readonly PackageEntry[]
  /** What counts where it asks that something not be there. */
  absent: readonly PackageEntry[]
}

function isTrue(wanted: Expression, { there, absent }: Sets): boolean {
  if (!isRich(wanted) || wanted.operator === 'with' || wanted.operator === 'without')
    return there.some((one) => hasAlone(one, wanted))
  const [first, second] = wanted.operands.map((operand) => isTrue(operand, { there, absent })) as [boolean, boolean]
  const isConditionMet = isTrue(wanted.operands[1]!, { there: absent, absent: there })
  const otherwise = wanted.otherwise && isTrue(wanted.otherwise, { there, absent })
  switch (wanted.operator) {
    case 'and':
      return first && second
    case 'or':
      return first || second
    case 'if':
      return (first || !isConditionMet) && (otherwise === undefined || otherwise || second)
    case 'unless':
      return (first && !isConditionMet) || (otherwise === true && second)
  }
}

function hasAlone(one: PackageEntry, wanted: Expression): boolean {
  if (!isRich(wanted)) return provides(one, wanted)
  const [first, ...others] = wanted.operands.map((operand) => hasAlone(one, operand))
  if (wanted.operator === 'without') return first! && !others.includes(true)
  return wanted.operator === 'or' ? first! || others.includes(true) : first! && !others.includes(false)
}

function provides(one: PackageEntry, wanted: Capability): boolean {
  const { name, evr = '', provides = [], files = [] } = entryOf(one)
  return (
    overlaps({ name, comparison: '=', evr: parseEvr(evr) }, wanted) ||
    provides.some((text) => overlaps(capability(text), wanted)) ||
    files.includes(wanted.name)
  )
}

function capability(text: string): Capability {
  return parseDependency(text) as Capability
}
