import { chainsTo, shortestChains, type WhyChain } from '../mirror/index.ts'
import type { Closure } from './closure.ts'
import { heldRows, type Step, stepsFrom } from './closure/reasons.ts'
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
  const chains = closure.worlds.flatMap((world) =>
    chainsTo({
      targets: Array.from(universe.rowsNamed(name)).filter((row) => world.rows.includes(row)),
      roots: new Map(world.roots.map(({ row, root }) => [row, root.listed === undefined ? 'base' : 'listed'])),
      steps: (isFirstOnly) => stepsOf(world, isFirstOnly),
      because: ({ field, clause }) => `${field} ${universe.clauseText(clause)}`,
      package: (row) => ({ package: universe.name(row), version: universe.version(row) }),
    }),
  )
  return shortestChains(chains, limit)
}

function* stepsOf(world: WorldClosure, isFirstOnly: boolean): Generator<Step & { row: number }> {
  const isHeld = heldRows(world)
  for (const row of world.rows) yield* stepsFrom(world, isHeld, { row, isFirstOnly })
  for (const { row, askedBy, clause } of world.softRoots)
    if (isHeld[row] === 1 && isHeld[askedBy] === 1) yield { row, asker: askedBy, clause, field: 'Recommends' }
}
