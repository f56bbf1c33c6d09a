import type { WhyChain } from './format.ts'

/** Somebody needs a row: one step on the way from a listed package. */
export interface NeededRow {
  row: number
  asker: number
}

/** What is known of a closure on one kind of machine, as far as the ways through it go. */
export interface Ways<Step extends NeededRow> {
  targets: readonly number[]
  /** Rows that ways begin at, and why each is there. */
  roots: ReadonlyMap<number, string>
  /** All steps between rows that are held: to what is taken first alone, or to all that would do. */
  steps(isFirstOnly: boolean): Iterable<Step>
  because(step: Step): string
  package(row: number): { package: string; version: string }
}

/** From each root that leads to a target, the shortest way there; by first choices where there is one by them. */
export function chainsTo<Step extends NeededRow>(ways: Ways<Step>): WhyChain[] {
  if (ways.targets.length === 0) return []
  const next = stepsTowards(ways)
  return [...ways.roots]
    .filter(([row]) => next.has(row))
    .map(([row, because]) => {
      const steps = [{ ...ways.package(row), because }]
      for (let step = next.get(row); step !== undefined; step = next.get(step.row))
        steps.push({ ...ways.package(step.row), because: ways.because(step) })
      return { steps }
    })
}

/** Each chain once, the shortest first. */
export function shortestChains(chains: readonly WhyChain[], limit: number): WhyChain[] {
  const distinct = new Map(chains.map((chain) => [JSON.stringify(chain), chain]))
  return [...distinct.values()].sort((a, b) => a.steps.length - b.steps.length).slice(0, limit)
}

/** For each row that leads to a target, its step on the shortest way there. */
function stepsTowards<Step extends NeededRow>(ways: Ways<Step>): Map<number, Step | undefined> {
  const next = new Map<number, Step | undefined>(ways.targets.map((row) => [row, undefined]))
  for (const isFirstOnly of [true, false]) {
    const askers = Map.groupBy(ways.steps(isFirstOnly), ({ row }) => row)
    // Grows while it is walked.
    for (const row of next.keys())
      for (const step of askers.get(row) ?? []) if (!next.has(step.asker)) next.set(step.asker, step)
  }
  return next
}
