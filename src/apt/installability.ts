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
  const isHeld = new Uint8Array(universe.rowCount)
  for (const row of rows) isHeld[row] = 1
  const set = markedRows(isHeld)
  const open = new Map<number, InstallabilityProblem>()
  const isProved = new Uint8Array(universe.rowCount)
  for (const architecture of universe.architectures) {
    const world = worldOf(universe, architecture)
    const here = set.filter((row) => world.isNative(row) && isProved[row] === 0)
    const cones = new Cones({ world, isAllowed: (row) => isHeld[row] === 1 }, here)
    for (const row of here) {
      const kind = cones.judge(row)
      if (kind === 'installable') isProved[row] = 1
      else open.set(row, { row, kind: kind === 'unknown' ? kind : 'not-installable', message: describe(cones, row) })
    }
  }
  for (const row of set)
    if (isProved[row] === 0 && !open.has(row))
      open.set(row, { row, kind: 'not-installable', message: foreign(universe, row) })
  return [...open.values()].filter(({ row }) => isProved[row] === 0).sort((a, b) => a.row - b.row)
}

/** Ascending. */
function markedRows(isMarked: Uint8Array): number[] {
  const rows: number[] = []
  for (let row = 0; row < isMarked.length; row++) if (isMarked[row] === 1) rows.push(row)
  return rows
}

function describe(cones: Cones, row: number): string {
  const { world } = cones.scope
  const obstacle = cones.traceObstacle(row)
  return obstacle === undefined ? world.universe.describe(row) : describeObstacle(world, obstacle)
}

function foreign(universe: Universe, row: number): string {
  return `${universe.describe(row)} is for ${universe.architecture(row)}, which the mirror does not carry`
}
