import { Cones } from './closure/cone.ts'
import type { World } from './closure/world.ts'
import { describeObstacle } from './explain.ts'
import type { Universe } from './universe.ts'

/** A package of a set that cannot be shown to be installable from it. */
export interface InstallabilityProblem {
  row: number
  /** `unknown`: the search was given up at its limit, which real distributions do not come near. */
  kind: 'not-installable' | 'unknown'
  message: string
}

/** What machines of one architecture are to install from a set. */
export interface WantedRows {
  world: World
  rows: Uint32Array | readonly number[]
}

/**
 * Proves of every row that machines of an architecture are to install that they can, from the rows of all architectures
 * together: that these hold some packages which together satisfy each other's Pre-Depends and Depends, with no Conflicts
 * or Breaks between them and no two versions of one name (but for `Multi-Arch: same` in step). That is what
 * `dose-debcheck --deb-ignore-essential` calls installable. Not all at once: two packages that exclude each other may
 * well be in one set.
 *
 * Each machine is asked about what is there for it, of whatever architecture that is: a package for all counts as one of
 * the machine's own, so that an amd64 package that needs one may have all it needs on i386 machines and not on amd64
 * ones. Empty when all is well.
 *
 * `proved`: a set of the same universe of which nothing was found wanting before. Where all of it is there still, it is
 * proved still, since what comes to a set takes nothing away that could be installed from it: only what has come is
 * looked at. A set of which something was found wanting is none, not even without that: what is left may need it.
 */
export function proveInstallable(
  universe: Universe,
  wanted: readonly WantedRows[],
  proved: readonly WantedRows[] = [],
): InstallabilityProblem[] {
  const isHeld = marked(universe, wanted)
  const isGrown = proved.every(({ rows }) => rows.every((row) => isHeld[row] === 1))
  const problems: InstallabilityProblem[] = []
  for (const { world, rows } of wanted) {
    const isProved = marked(universe, isGrown ? proved.filter((before) => before.world === world) : [])
    const open = rows.filter((row) => isProved[row] === 0)
    const cones = new Cones({ world, isAllowed: (row) => isHeld[row] === 1 }, open)
    for (const row of open) {
      const kind = cones.judge(row)
      if (kind === 'installable') continue
      problems.push({ row, kind: kind === 'unknown' ? kind : 'not-installable', message: describe(cones, row) })
    }
  }
  return problems
}

function marked(universe: Universe, wanted: readonly WantedRows[]): Uint8Array {
  const marks = new Uint8Array(universe.rowCount)
  for (const { rows } of wanted) for (const row of rows) marks[row] = 1
  return marks
}

function describe(cones: Cones, row: number): string {
  const { world } = cones.scope
  const obstacle = cones.traceObstacle(row)
  const told = obstacle === undefined ? world.universe.describe(row) : describeObstacle(world, obstacle)
  return world.universe.architectures.length > 1 ? `${told} (on ${world.native})` : told
}
