import type { Universe } from '../universe.ts'
import { holds } from './requirement.ts'
import { clausesOf, isPlain, type World } from './world.ts'

/** A package that is taken though nothing requires it, and on whose account. */
export interface SoftRoot {
  row: number
  askedBy: number
  field: 'Recommends' | 'Supplements'
  clause: number
}

/** A recommendation that nothing satisfies. */
export interface Unmet {
  row: number
  clause: number
}

export interface WeakScope {
  world: World
  isHeld: (row: number) => boolean
  /** Whether a row may be taken: neither excluded, nor found not to be installable. */
  isUsable: (row: number) => boolean
}

/** What the rows of a closure recommend and have not got: for each recommendation the first that may be taken. */
export function findRecommended(scope: WeakScope, rows: Iterable<number>): { wanted: SoftRoot[]; unmet: Unmet[] } {
  const { world, isHeld, isUsable } = scope
  const wanted: SoftRoot[] = []
  const unmet: Unmet[] = []
  for (const row of rows) {
    for (const clause of clausesOf(world.universe, row, 'recommends')) {
      if (isMet(scope, clause)) continue
      const candidates = world.satisfiers(clause)
      const chosen = candidates.find((other) => !isHeld(other) && isUsable(other))
      if (chosen === undefined) unmet.push({ row, clause })
      else wanted.push({ row: chosen, askedBy: row, field: 'Recommends', clause })
    }
  }
  return { wanted, unmet }
}

/** Packages that supplement what the closure holds: the best of each name of which it holds none. */
export function findSupplements({ world, isHeld, isUsable }: WeakScope): SoftRoot[] {
  const { universe } = world
  const wanted: SoftRoot[] = []
  for (const name of supplementingNames(universe)) {
    const rows = universe.rowsOfName(name)
    if (rows.some(isHeld)) continue
    const best = rows.find((row) => world.isHere[row] === 1 && world.preferenceOf(row) === 0 && isUsable(row))
    if (best === undefined) continue
    for (const clause of clausesOf(universe, best, 'supplements')) {
      const askedBy = isMet({ world, isHeld }, clause) ? world.satisfiers(clause).find(isHeld) : undefined
      if (askedBy === undefined) continue
      wanted.push({ row: best, askedBy, field: 'Supplements', clause })
      break
    }
  }
  return wanted
}

function isMet({ world, isHeld }: Pick<WeakScope, 'world' | 'isHeld'>, clause: number): boolean {
  const requirement = world.requirement(clause)
  return isPlain(requirement) ? requirement.some(isHeld) : holds(requirement.conditions, isHeld)
}

const supplementing = new WeakMap<Universe, readonly number[]>()

/** Names of packages that have Supplements; in the order of rows. */
function supplementingNames(universe: Universe): readonly number[] {
  const known = supplementing.get(universe)
  if (known !== undefined) return known
  const names = new Set<number>()
  for (let row = 0; row < universe.rowCount; row++)
    if (universe.isUsed[row] === 1 && clausesOf(universe, row, 'supplements').length > 0)
      names.add(universe.nameOf[row]!)
  const found = [...names]
  supplementing.set(universe, found)
  return found
}
