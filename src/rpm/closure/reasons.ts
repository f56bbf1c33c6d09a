import type { WorldClosure } from './world-closure.ts'
import { clausesOf } from './world.ts'

/** One step on the way from a listed package: `asker` needs the row by that clause. */
export interface Step {
  asker: number
  clause: number
  field: 'Requires' | 'Recommends' | 'Supplements'
}

/** Why each row of a closure is there: the shortest ways from what was asked for. Worked out when first asked. */
export class Reasons {
  private readonly closure: WorldClosure
  private steps: Map<number, Step | string> | undefined

  constructor(closure: WorldClosure) {
    this.closure = closure
  }

  /** `listed`, `module nodejs:20`, `nginx Requires openssl-libs >= 3.0`; undefined when the row is not of this closure. */
  of(row: number): string | undefined {
    this.steps ??= findSteps(this.closure)
    const step = this.steps.get(row)
    if (step === undefined || typeof step === 'string') return step
    return describeStep(this.closure, row, step)
  }
}

/** `nginx Requires openssl-libs >= 3.0`; a package that supplements is itself the one that says so. */
export function describeStep({ world }: WorldClosure, row: number, { asker, clause, field }: Step): string {
  const { universe } = world
  return `${universe.name(field === 'Supplements' ? row : asker)} ${field} ${universe.clauseText(clause)}`
}

/** Requires of a row that are met within the closure, each with the rows that meet it: only the first, or all. */
export function* stepsFrom(
  { world }: WorldClosure,
  isHeld: Uint8Array,
  { row, isFirstOnly }: { row: number; isFirstOnly: boolean },
): Generator<Step & { row: number }> {
  for (const clause of clausesOf(world.universe, row, 'requires')) {
    for (const satisfier of world.satisfiers(clause)) {
      if (isHeld[satisfier] !== 1) continue
      yield { row: satisfier, asker: row, clause, field: 'Requires' }
      if (isFirstOnly) break
    }
  }
}

/** Marks of the rows of a closure. */
export function heldRows({ rows, world }: WorldClosure): Uint8Array {
  const isHeld = new Uint8Array(world.universe.rowCount)
  for (const row of rows) isHeld[row] = 1
  return isHeld
}

/** Breadth first: what is listed, then what it needs by first choice, then by any; companions last. */
function findSteps(closure: WorldClosure): Map<number, Step | string> {
  const steps = new Map<number, Step | string>()
  const isHeld = heldRows(closure)
  for (const { row } of closure.roots) steps.set(row, 'listed')
  const soft = Map.groupBy(closure.softRoots, ({ askedBy }) => askedBy)
  const spread = (isFirstOnly: boolean): void => {
    for (const row of steps.keys()) {
      for (const { row: next, ...step } of stepsFrom(closure, isHeld, { row, isFirstOnly }))
        if (!steps.has(next)) steps.set(next, step)
      for (const { row: next, askedBy, clause, field } of soft.get(row) ?? [])
        if (isHeld[next] === 1 && !steps.has(next)) steps.set(next, { asker: askedBy, clause, field })
    }
  }
  spread(true)
  spread(false)
  for (const { row, because } of closure.companions) if (!steps.has(row)) steps.set(row, because)
  spread(true)
  spread(false)
  return steps
}
