import { relationFieldNames, RelationField } from '../table/table-layout.ts'
import type { WorldClosure } from './world-closure.ts'

/** One step on the way from a listed package: `asker` needs the row by that clause. */
export interface Step {
  asker: number
  clause: number
  field: (typeof relationFieldNames)[number]
}

/** Why each row of a closure is there: the shortest ways from what was asked for. Worked out when first asked. */
export class Reasons {
  private readonly closure: WorldClosure
  private steps: Map<number, Step | 'listed' | 'base'> | undefined

  constructor(closure: WorldClosure) {
    this.closure = closure
  }

  /** `listed`, `base`, `nginx Depends nginx-core (= 1.22.1-9)`; undefined when the row is not of this closure. */
  of(row: number): string | undefined {
    this.steps ??= findSteps(this.closure)
    const step = this.steps.get(row)
    if (step === undefined || typeof step === 'string') return step
    const { universe } = this.closure.world
    return `${universe.name(step.asker)} ${step.field} ${universe.clauseText(step.clause)}`
  }
}

/** Relations of a row that are met within the closure, each with the rows that meet it: only the first, or all. */
export function* stepsFrom(
  closure: WorldClosure,
  isHeld: Uint8Array,
  { row, isFirstOnly }: { row: number; isFirstOnly: boolean },
): Generator<Step & { row: number }> {
  const { world } = closure
  const { relation, relationStart } = world.universe
  for (const field of [RelationField.preDepends, RelationField.depends]) {
    const end = relationStart[row * 5 + field + 1]!
    for (let at = relationStart[row * 5 + field]!; at < end; at++) {
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
function findSteps(closure: WorldClosure): Map<number, Step | 'listed' | 'base'> {
  const steps = new Map<number, Step | 'listed' | 'base'>()
  const isHeld = heldRows(closure)
  for (const { row, root } of closure.roots) if (root.listed !== undefined) steps.set(row, 'listed')
  for (const { row, root } of closure.roots) if (root.listed === undefined && !steps.has(row)) steps.set(row, 'base')
  const recommended = Map.groupBy(closure.softRoots, ({ askedBy }) => askedBy)
  for (const isFirstOnly of [true, false]) {
    for (const row of steps.keys()) {
      for (const { row: next, ...step } of stepsFrom(closure, isHeld, { row, isFirstOnly }))
        if (!steps.has(next)) steps.set(next, step)
      for (const { row: next, clause } of recommended.get(row) ?? [])
        if (isHeld[next] === 1 && !steps.has(next)) steps.set(next, { asker: row, clause, field: 'Recommends' })
    }
  }
  return steps
}
