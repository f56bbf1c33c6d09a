import type { WhyChain } from '../mirror/index.ts'
import type { Closure } from './closure.ts'
import { describeStep, heldRows, type Step, stepsFrom } from './closure/reasons.ts'
import type { WorldClosure } from './closure/world-closure.ts'
import type { Universe } from './universe.ts'

/**
 * Chains from listed packages to those of a name: the shortest of each listed package that needs it, the shortest
 * first. `limit`: how many at most. Default: 10. Empty when the closure does not hold the name.
 */
export function why(
  universe: Universe,
  closure: Closure,
  { name, limit = 10 }: { name: string; limit?: number },
): WhyChain[] {
  const chains = closure.worlds.flatMap((world) => chainsIn(universe, world, name))
  const distinct = new Map(chains.map((chain) => [JSON.stringify(chain), chain]))
  return [...distinct.values()].sort((a, b) => a.steps.length - b.steps.length).slice(0, limit)
}

function chainsIn(universe: Universe, world: WorldClosure, name: string): WhyChain[] {
  const targets = Array.from(universe.rowsNamed(name)).filter((row) => world.rows.includes(row))
  if (targets.length === 0) return []
  const next = stepsTowards(world, targets)
  const roots = new Map<number, string>(world.companions.map(({ row, because }) => [row, because]))
  for (const { row } of world.roots) roots.set(row, 'listed')
  return [...roots]
    .filter(([row]) => next.has(row))
    .map(([row, because]) => ({ steps: chainFrom(world, { row, because }, next) }))
}

type Towards = Map<number, (Step & { row: number }) | undefined>

/** For each row that leads to a target, its step on the shortest way there. */
function stepsTowards(world: WorldClosure, targets: readonly number[]): Towards {
  const isHeld = heldRows(world)
  const next: Towards = new Map(targets.map((row) => [row, undefined]))
  for (const isFirstOnly of [true, false]) {
    const askers = new Map<number, (Step & { row: number })[]>()
    const add = (step: Step & { row: number }): void => {
      const known = askers.get(step.row)
      if (known === undefined) askers.set(step.row, [step])
      else known.push(step)
    }
    for (const row of world.rows) for (const step of stepsFrom(world, isHeld, { row, isFirstOnly })) add(step)
    for (const { row, askedBy, clause, field } of world.softRoots)
      if (isHeld[row] === 1 && isHeld[askedBy] === 1) add({ row, asker: askedBy, clause, field })
    for (const row of next.keys())
      for (const step of askers.get(row) ?? []) if (!next.has(step.asker)) next.set(step.asker, step)
  }
  return next
}

function chainFrom(
  world: WorldClosure,
  { row, because }: { row: number; because: string },
  next: Towards,
): WhyChain['steps'] {
  const { universe } = world.world
  const steps = [{ package: universe.name(row), version: universe.version(row), because }]
  for (let step = next.get(row); step !== undefined; step = next.get(step.row)) {
    const text =
      step.field === 'Supplements'
        ? describeStep(world, step.row, step)
        : `${step.field} ${universe.clauseText(step.clause)}`
    steps.push({ package: universe.name(step.row), version: universe.version(step.row), because: text })
  }
  return steps
}
