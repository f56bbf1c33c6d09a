import { Cones } from './closure/cone.ts'
import { worldOf } from './closure/world.ts'
import { describeObstacle } from './explain.ts'
import type { Universe } from './universe.ts'

/** A package of a set that cannot be shown to be installable from it. */
export interface InstallabilityProblem {
  row: number
  /** `unknown`: the search was given up at its limit, which real distributions do not come near. */
  kind: 'not-installable' | 'unknown'
  message: string
}

/**
 * Proves of every row of a set that it can be installed from the set alone: that the set holds some packages which
 * together satisfy each other's Pre-Depends and Depends, with no Conflicts or Breaks between them and no two versions
 * of one name (but for `Multi-Arch: same` in step). That is what `dose-debcheck --deb-ignore-essential` calls
 * installable. Not all at once: two packages that exclude each other may well be in one set.
 *
 * Packages of an architecture are judged as on a machine of it; those for all, on any of them. Empty when all is well.
 */
export function proveInstallable(universe: Universe, rows: Iterable<number>): InstallabilityProblem[] {
  const set = [...new Set(rows)].sort((a, b) => a - b)
  const isHeld = new Uint8Array(universe.rowCount)
  for (const row of set) isHeld[row] = 1
  const open = new Map<number, InstallabilityProblem>()
  const proved = new Set<number>()
  for (const architecture of universe.architectures) {
    const world = worldOf(universe, architecture)
    const here = set.filter((row) => world.isNative(row) && !proved.has(row))
    const cones = new Cones({ world, isAllowed: (row) => isHeld[row] === 1 }, here)
    for (const row of here) {
      const { kind } = cones.solve(row)
      if (kind === 'installable') proved.add(row)
      else open.set(row, { row, kind: kind === 'unknown' ? kind : 'not-installable', message: describe(cones, row) })
    }
  }
  for (const row of set)
    if (!proved.has(row) && !open.has(row))
      open.set(row, { row, kind: 'not-installable', message: foreign(universe, row) })
  return [...open.values()].filter(({ row }) => !proved.has(row)).sort((a, b) => a.row - b.row)
}

function describe(cones: Cones, row: number): string {
  const { world } = cones.scope
  const obstacle = cones.traceObstacle(row)
  return obstacle === undefined ? world.universe.describe(row) : describeObstacle(world, obstacle)
}

function foreign(universe: Universe, row: number): string {
  return `${universe.describe(row)} is for ${universe.architecture(row)}, which the mirror does not carry`
}
