import type { Need } from './encoding.ts'
import type { Search } from './search.ts'

/** What some roots need of what a search has found. */
export interface Support {
  /** Variables. */
  reached: Set<number>
  /** Those of them that have to do with a lower version than they would get in other company. */
  lowered: Set<number>
}

/**
 * Follows what is true from the roots on: of each need that is not met yet, the first that is there. The result can be
 * installed, since all that was found can, and nothing in the result needs more.
 */
export function supportOf(search: Search, roots: readonly number[]): Support {
  const { needs, conditional } = search.encoding
  const reached = new Set(roots)
  const order = [...reached]
  const lowered = new Set<number>()
  const follow = (variable: number, need: Need): void => {
    const taken = takenFor(search, need, reached)
    if (taken === undefined) return
    if (!reached.has(taken)) order.push(taken)
    reached.add(taken)
    if (isLowered(search, need, taken)) lowered.add(variable)
  }
  for (let at = 0; at < order.length;) {
    for (; at < order.length; at++) for (const need of needs[order[at]!]!) follow(order[at]!, need)
    for (const { variable, need } of conditional) if (reached.has(variable)) follow(variable, need)
  }
  return { reached, lowered }
}

/** Roots that lead to none of `variables`, by what was reached. */
export function rootsWithout(search: Search, roots: readonly number[], { reached, lowered }: Support): number[] {
  const askers = new Map<number, number[]>()
  for (const variable of reached) {
    for (const need of search.encoding.needs[variable]!) {
      const taken = takenFor(search, need, reached)
      if (taken === undefined) continue
      const known = askers.get(taken)
      if (known === undefined) askers.set(taken, [variable])
      else known.push(variable)
    }
  }
  const affected = new Set(lowered)
  for (const variable of affected) for (const asker of askers.get(variable) ?? []) affected.add(asker)
  return roots.filter((root) => !affected.has(root))
}

/** The variable that meets a need; undefined when it is met by what is absent. */
function takenFor(search: Search, { literals, isConditional }: Need, reached: ReadonlySet<number>): number | undefined {
  if (isConditional && literals.some((literal) => (literal & 1) === 1 && !reached.has(literal >> 1))) return undefined
  let found: number | undefined
  for (let at = 0; at < literals.length; at++) {
    const literal = literals[at]!
    if ((literal & 1) === 1) continue
    if (reached.has(literal >> 1)) return literal >> 1
    if (found === undefined && search.isTrue(literal >> 1)) found = literal >> 1
  }
  return found
}

/** Whether a better version of what was taken would do as well, and is not known to be impossible. */
function isLowered(search: Search, { literals }: Need, taken: number): boolean {
  const { rowOf, scope } = search.encoding
  const { nameOf } = scope.world.universe
  const name = rowOf[taken]! < 0 ? -1 : nameOf[rowOf[taken]!]
  for (let at = 0; at < literals.length; at++) {
    const variable = literals[at]! >> 1
    if (variable === taken) return false
    const row = rowOf[variable]!
    if (row >= 0 && nameOf[row] === name && (literals[at]! & 1) === 0 && !search.isImpossible(variable)) return true
  }
  return false
}
