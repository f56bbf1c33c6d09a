import { relationFieldNames, RelationField } from '../table/table-layout.ts'
import type { Universe } from '../universe.ts'
import type { WorldClosure } from './world-closure.ts'

/** One step on the way from a listed package: `asker` needs the row by that clause. */
export interface Step {
  asker: number
  clause: number
  field: (typeof relationFieldNames)[number]
}

/**
 * Why each row of a closure is there: the shortest ways from what was asked for. Worked out when first asked; holds the
 * universe and no more of the closure then.
 */
export class ClosureReasons {
  private worlds: readonly WorldClosure[]
  private ways: readonly Ways[] | undefined

  constructor(worlds: readonly WorldClosure[]) {
    this.worlds = worlds
  }

  /** `listed`, `base`, or `nginx Depends nginx-core (= 1.22.1-9)`: the shortest way from the list. */
  of(row: number): string {
    const ways = this.waysTo(row)
    if (ways === undefined || ways.kind[row] === Kind.listed) return 'listed'
    if (ways.kind[row] === Kind.base) return 'base'
    const { universe, asker, clause, kind } = ways
    return `${universe.name(asker[row]!)} ${relationFieldNames[kind[row]! - Kind.firstField]!} ${universe.clauseText(clause[row]!)}`
  }

  /** Whether both say the same of a row. Both are of the same universe. */
  agree(other: ClosureReasons, row: number): boolean {
    const [here, there] = [this.waysTo(row), other.waysTo(row)]
    if (here === undefined || there === undefined) return here === there
    return (
      here.kind[row] === there.kind[row] &&
      here.asker[row] === there.asker[row] &&
      here.clause[row] === there.clause[row]
    )
  }

  /** Of the first world that has the row. */
  private waysTo(row: number): Ways | undefined {
    if (this.ways === undefined) {
      this.ways = this.worlds.map(findWays)
      this.worlds = []
    }
    for (const ways of this.ways) if (ways.kind[row] !== Kind.none) return ways
    return undefined
  }
}

/** How each row of a world was come to; by row. */
interface Ways {
  universe: Universe
  kind: Uint8Array
  asker: Uint32Array
  clause: Uint32Array
}

const Kind = { none: 0, listed: 1, base: 2, firstField: 3 } as const

/** Relations of a row that are met within the closure, each with the rows that meet it: only the first, or all. */
export function* stepsFrom(
  closure: WorldClosure,
  isHeld: Uint8Array,
  { row, isFirstOnly }: { row: number; isFirstOnly: boolean },
): Generator<Step & { row: number }> {
  const { world } = closure
  const first = world.universe.relationsAt(row)
  const { relation, relationBounds } = world.universe
  for (const field of [RelationField.preDepends, RelationField.depends]) {
    const end = relationBounds[first + field + 1]!
    for (let at = relationBounds[first + field]!; at < end; at++) {
      const clause = relation[at]!
      for (const satisfier of world.satisfiers(clause, row)) {
        if (isHeld[satisfier] !== 1) continue
        yield { row: satisfier, asker: row, clause, field: relationFieldNames[field] }
        if (isFirstOnly) break
      }
    }
  }
}

/** Marks of the rows of a closure. */
export function heldRows({ rows, world }: WorldClosure): Uint8Array {
  const isHeld = new Uint8Array(world.universe.rowCount)
  for (const row of rows) isHeld[row] = 1
  return isHeld
}

/** Breadth first: what is listed, then the base, then what they need by first choice, then by any. */
function findWays(closure: WorldClosure): Ways {
  const { world } = closure
  const { universe } = world
  const { rowCount } = universe
  const [asker, clause] = [new Uint32Array(rowCount), new Uint32Array(rowCount)]
  const ways = { universe, kind: new Uint8Array(rowCount), asker, clause }
  const queue: number[] = []
  const reach = (row: number, kind: number): boolean => {
    if (ways.kind[row] !== Kind.none) return false
    ways.kind[row] = kind
    queue.push(row)
    return true
  }
  for (const { row, root } of closure.roots) if (root.listed !== undefined) reach(row, Kind.listed)
  for (const { row, root } of closure.roots) if (root.listed === undefined) reach(row, Kind.base)
  // Four arguments, since an object for each step of 60,000 packages is most of what this would cost.
  const step = (row: number, from: number, by: number, kind: number): void => {
    if (!reach(row, kind)) return
    asker[row] = from
    clause[row] = by
  }
  const isHeld = heldRows(closure)
  const recommended = Map.groupBy(closure.softRoots, ({ askedBy }) => askedBy)
  const stepByNeeds = (row: number, isFirstOnly: boolean): void => {
    const first = universe.relationsAt(row)
    const { relation, relationBounds } = universe
    for (const field of [RelationField.preDepends, RelationField.depends]) {
      const end = relationBounds[first + field + 1]!
      for (let at = relationBounds[first + field]!; at < end; at++) {
        for (const next of world.satisfiers(relation[at]!, row)) {
          if (isHeld[next] !== 1) continue
          step(next, row, relation[at]!, Kind.firstField + field)
          if (isFirstOnly) break
        }
      }
    }
  }
  const stepByRecommendations = (row: number): void => {
    for (const { row: next, clause } of recommended.get(row) ?? [])
      if (isHeld[next] === 1) step(next, row, clause, Kind.firstField + RelationField.recommends)
  }
  for (const isFirstOnly of [true, false]) {
    // Grows while it is walked.
    for (const row of queue) {
      // By first choices nearly always all are come to, and long before the end where most are listed.
      if (queue.length === closure.rows.length) break
      stepByNeeds(row, isFirstOnly)
      stepByRecommendations(row)
    }
  }
  return ways
}
