import type { World } from './closure/world.ts'
import { priorityNames, priorityOf, RowFlag } from './table/table-layout.ts'

/**
 * What a mirror holds besides its list, so that machines can be made from it alone:
 * - `none`: nothing.
 * - `essential`: packages that are `Essential: yes`, which no package depends on although all need them.
 * - `required`: also those of priority required: what mmdebstrap's minbase installs, and debootstrap's.
 * - `important`: also those of priority important: what debootstrap installs otherwise.
 */
export type BaseSet = 'none' | 'essential' | 'required' | 'important'

export const baseSets = ['none', 'essential', 'required', 'important'] as const satisfies readonly BaseSet[]

/**
 * What tools ask for by name, whatever its priority, where the suite has it: debootstrap merges /usr by itself and
 * installs usr-is-merged, mmdebstrap lets usrmerge do it. Source: debootstrap, scripts/debian-common.
 */
const askedForByName = ['apt', 'usr-is-merged', 'usrmerge']

/** The best version of each package of the base, for machines of one architecture; in the order of rows. */
export function baseRows(world: World, base: BaseSet): number[] {
  if (base === 'none') return []
  const { universe } = world
  const rows: number[] = []
  const named = new Set(base === 'essential' ? [] : askedForByName.flatMap((name) => [...universe.rowsNamed(name)]))
  for (let row = 0; row < universe.rowCount; row++) {
    if (!(named.has(row) || isOfBase(universe.flagsOf[row]!, base)) || !world.isNative(row)) continue
    if (universe.rowsOfName(universe.nameOf[row]!).find((other) => world.isNative(other)) === row) rows.push(row)
  }
  return rows
}

function isOfBase(flags: number, base: BaseSet): boolean {
  if (flags & RowFlag.essential) return true
  if (base === 'essential') return false
  return priorityOf(flags) <= priorityNames.indexOf(base === 'required' ? 'required' : 'important')
}
