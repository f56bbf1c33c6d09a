import { Obstacles } from './closure/obstacle.ts'
import { Solver } from './closure/solver.ts'
import { type World, worldsOf } from './closure/world.ts'
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
 * together satisfy each other's Requires, with no Conflicts or Obsoletes between them and no two versions of one name
 * (but for kernels, and for 32 and 64 bits). That is what libsolv's `installcheck` calls installable. Not all at once:
 * two packages that exclude each other may well be in one set.
 *
 * Packages are judged as on a machine of their architecture; those of noarch, on any. Empty when all is well.
 */
export function proveInstallable(universe: Universe, rows: Iterable<number>): InstallabilityProblem[] {
  const isHeld = new Uint8Array(universe.rowCount)
  for (const row of rows) isHeld[row] = 1
  const open = new Map<number, InstallabilityProblem | undefined>()
  for (let row = 0; row < isHeld.length; row++) if (isHeld[row] === 1) open.set(row, undefined)
  for (const world of worldsOf(universe)) proveIn(world, isHeld, open)
  return [...open].map(([row, problem]) => problem ?? foreign(universe, row)).sort((a, b) => a.row - b.row)
}

/** Removes what is proved from `open`. */
function proveIn(world: World, isHeld: Uint8Array, open: Map<number, InstallabilityProblem | undefined>): void {
  const isAllowed = (row: number): boolean => isHeld[row] === 1 && world.isHere[row] === 1
  const scope = { world, isAllowed }
  const rows = [...open.keys()].filter(isAllowed)
  const { verdicts } = new Solver(scope).solve(rows)
  const failed = rows.filter((row) => verdicts.get(row) !== 'installable')
  for (const row of rows) if (verdicts.get(row) === 'installable') open.delete(row)
  if (failed.length === 0) return
  const obstacles = new Obstacles(scope, failed)
  for (const row of failed) {
    const kind = verdicts.get(row) === 'unknown' ? 'unknown' : 'not-installable'
    const reason = describeObstacle(world, { row, obstacle: obstacles.of(row) })
    open.set(row, { row, kind, message: `${world.universe.describe(row)} cannot be installed because ${reason}` })
  }
}

function foreign(universe: Universe, row: number): InstallabilityProblem {
  const message = `${universe.describe(row)} is for ${universe.architecture(row)}, which the mirror does not carry`
  return { row, kind: 'not-installable', message }
}
