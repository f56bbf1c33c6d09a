import { RelationField } from '../table/table-layout.ts'
import { Cones } from './cone.ts'
import type { ListedForClosure } from './request.ts'
import { noRoot, SelectionTrace } from './selection-trace.ts'
import type { WorldClosure } from './world-closure.ts'

/** A line of the list that an earlier closure had not. */
export interface AddedRoot {
  listed: ListedForClosure
  /** Best first; at least one. */
  candidates: readonly number[]
}

/**
 * The closure of a world for a list that has grown, out of the earlier one: it costs what the new roots need, not what
 * the mirror has. The same as closeWorld says of the whole list; undefined wherever that is not certain.
 *
 * It is certain where what comes is forced (it leaves no choice that the earlier forced rows have not made), where
 * nothing that was there would rather have what comes, and where what was decided is decided in the same order still:
 * that depends on which rows are looked at first, so nothing that is looked at earlier than before may lead to a choice.
 */
export function extendWorld(earlier: WorldClosure, added: readonly AddedRoot[]): WorldClosure | undefined {
  return earlier.trace && new Extension(earlier, earlier.trace).extend(added)
}

class Extension {
  private readonly earlier: WorldClosure
  private readonly before: SelectionTrace
  private readonly trace: SelectionTrace
  private readonly isBarred: Uint8Array
  /** Rows that come. */
  private readonly come: number[] = []

  constructor(earlier: WorldClosure, before: SelectionTrace) {
    this.earlier = earlier
    this.before = before
    this.trace = new SelectionTrace(earlier.world, before.isTaken.slice(), before)
    this.isBarred = earlier.profiles.all[0]!.isBarred
  }

  extend(added: readonly AddedRoot[]): WorldClosure | undefined {
    const roots: WorldClosure['roots'] = []
    for (const { listed, candidates } of added) {
      const isPlain = listed.exclude.length === 0 && listed.recommends !== true
      if (!isPlain || !this.addRoot(candidates[0]!)) return undefined
      roots.push({ row: candidates[0]!, root: { listed, candidates, profile: 0 } })
    }
    const rootCount = this.come.length
    for (let at = 0; at < this.come.length; at++)
      if (!this.followRow(this.come[at]!, at < rootCount ? this.come[at]! : noRoot)) return undefined
    if (this.come.some((row) => this.before.isWanted(row))) return undefined
    return this.prove(roots)
  }

  private addRoot(row: number): boolean {
    if (this.isBarred[row] === 1 || this.trace.isRoot(row)) return false
    if (this.trace.isTaken[row] === 0) this.come.push(row)
    else if (this.trace.isForced[row] === 0 || this.leadsToChoice(row)) return false
    this.trace.add(row)
    return true
  }

  /** Takes what a row needs. `key`: see SelectionTrace. False where that leaves a choice, or changes one. */
  private followRow(row: number, key: number): boolean {
    for (const clause of this.needsOf(row)) {
      this.trace.addNeed(clause, row)
      const usable = this.earlier.world.satisfiers(clause, row).filter((other) => this.isBarred[other] === 0)
      const [only] = usable
      if (only === undefined) return false
      if (usable.length > 1) {
        if (!usable.some((other) => other === row || this.trace.isForced[other] === 1)) return false
      } else if (only !== row && !this.takeOnly(only, key)) return false
    }
    return true
  }

  private takeOnly(row: number, key: number): boolean {
    if (this.trace.isTaken[row] === 0) {
      this.come.push(row)
      this.trace.add(row, key)
      return true
    }
    return this.trace.isForced[row] === 1 && (this.trace.isBefore(row, key) || !this.leadsToChoice(row))
  }

  /** Whether a forced row needs, itself or by others, something that was decided. */
  private leadsToChoice(start: number): boolean {
    const { world } = this.earlier
    const seen = new Set([start])
    for (const row of seen)
      for (const clause of this.needsOf(row)) {
        if (this.before.decided.has(clause)) return true
        for (const other of world.satisfiers(clause, row)) if (this.trace.isForced[other] === 1) seen.add(other)
      }
    return false
  }

  private needsOf(row: number): Uint32Array {
    const { universe } = this.earlier.world
    const first = universe.relationsAt(row)
    const { relation, relationBounds } = universe
    return relation.slice(relationBounds[first], relationBounds[first + RelationField.recommends])
  }

  /** Undefined where what is needed excludes itself, so that a search would have to find another way. */
  private prove(roots: WorldClosure['roots']): WorldClosure | undefined {
    const { earlier, trace, isBarred } = this
    const isAllowed = (row: number): boolean => trace.isTaken[row] === 1 && isBarred[row] === 0
    const rows = roots.map(({ row }) => row)
    const cones = new Cones({ world: earlier.world, isAllowed }, rows)
    if (rows.some((row) => cones.obstacleOf(row) !== undefined)) return undefined
    const isHeld = new Uint8Array(trace.isTaken.length)
    for (const row of earlier.rows) isHeld[row] = 1
    const more = cones.reachOf(rows).filter((row) => isHeld[row] === 0)
    const all = new Uint32Array(earlier.rows.length + more.length)
    all.set(earlier.rows)
    all.set(more, earlier.rows.length)
    return { ...earlier, rows: all.sort(), roots: withRoots(earlier.roots, roots), trace }
  }
}

/** In the order of rows. No row is that of a root before. */
function withRoots(before: WorldClosure['roots'], more: WorldClosure['roots']): WorldClosure['roots'] {
  const roots = [...before]
  for (const one of more) roots.splice(placeOf(roots, one.row), 0, one)
  return roots
}

/** Of the first root that is not before the row. */
function placeOf(roots: WorldClosure['roots'], row: number): number {
  let [low, high] = [0, roots.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (roots[middle]!.row < row) low = middle + 1
    else high = middle
  }
  return low
}
