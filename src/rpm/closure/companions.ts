import type { ModuleFilter } from '../module-filter.ts'
import type { World } from './world.ts'

/** A package that comes along with another, though nothing asks for it. */
export interface Companion {
  row: number
  /** `module nodejs:20`, `goes with glibc-2.34-100.el9.i686` */
  because: string
}

export interface CompanionScope {
  world: World
  filter: ModuleFilter
  held: ReadonlySet<number>
  /** Streams that the list names: `name:stream`. */
  listedStreams: ReadonlySet<string>
  /** Rows that the list names. */
  listed: ReadonlySet<number>
}

/**
 * The rest of a stream of which one package is held; and of a package that is held for 32 bits, the same version for
 * 64: rpm would find their common files to differ from those of another version, so that dnf takes both or neither.
 * What is listed for 32 bits was meant so.
 */
export function findCompanions({ world, filter, held, listedStreams, listed }: CompanionScope): Companion[] {
  const found: Companion[] = []
  for (const { stream, rows } of filter.active)
    if (listedStreams.has(stream) || rows.some((row) => held.has(row)))
      for (const row of rows) found.push({ row, because: `module ${stream}` })
  for (const row of held) {
    if (world.preferenceOf(row) === 0 || listed.has(row)) continue
    const twin = twinOf(world, row)
    if (twin !== undefined) found.push({ row: twin, because: `goes with ${world.universe.describe(row)}` })
  }
  return found.filter(({ row }) => !held.has(row))
}

function twinOf(world: World, row: number): number | undefined {
  const { universe } = world
  return universe
    .rowsOfName(universe.nameOf[row]!)
    .find(
      (other) =>
        world.isHere[other] === 1 &&
        world.preferenceOf(other) === 0 &&
        universe.version(other) === universe.version(row),
    )
}
