import { Encoding, type Scope } from './encoding.ts'
import { Search } from './search.ts'
import { rootsWithout, type Support, supportOf } from './support.ts'

/** `unknown`: the search was given up at its limit. */
export type Verdict = 'installable' | 'impossible' | 'unknown'

/** Of several names that would do, one was taken. */
export interface Decision {
  row: number
  clause: number
  chosen: number
}

export interface Solution {
  /** By row that was asked about. */
  verdicts: Map<number, Verdict>
  /** What the installable ones need, themselves included: for each of them there is a set that goes together. */
  needed: Set<number>
  decisions: Decision[]
}

/** Far above what real distributions need: a few dozen. */
const maxConflicts = 20_000
/** Rows that are tried together: what one contradiction costs grows with them. */
const batchSize = 256

/**
 * Finds, for each of many packages, a set of packages that can be installed together and holds all it needs. They are
 * tried together as far as they go together, which is quicker by far than one by one; but what gets a lower version of
 * a dependency on account of its company is tried again by itself. Deterministic.
 */
export class Solver {
  private readonly encoding: Encoding
  private readonly search: Search
  private readonly taken: Set<number>

  /** `taken`: numbers of names of which something was taken before; grows. */
  constructor(scope: Scope, taken = new Set<number>()) {
    this.encoding = new Encoding(scope)
    this.search = new Search(this.encoding, taken)
    this.taken = taken
  }

  /** The order of `rows` counts: what comes first is preferred to what does not go with it. */
  solve(rows: readonly number[]): Solution {
    const solution: Solution = { verdicts: new Map(), needed: new Set(), decisions: [] }
    for (let from = 0; from < rows.length; from += batchSize)
      this.solveBatch(rows.slice(from, from + batchSize), solution)
    return solution
  }

  private solveBatch(batch: readonly number[], solution: Solution): void {
    const { verdicts } = solution
    for (let rows = batch; rows.length > 0; rows = rows.filter((row) => !verdicts.has(row))) {
      const isAtEnd = rows.length > 1 && this.run(rows, 100 + 2 * rows.length)
      if (isAtEnd) this.acceptTogether(rows, solution)
      if (isAtEnd && rows.some((row) => verdicts.has(row))) continue
      for (const row of rows) this.solveAlone(row, solution)
    }
  }

  private run(rows: readonly number[], limit: number): boolean {
    this.search.restart()
    return this.search.run(
      rows.map((row) => this.encoding.encode(row)),
      limit,
    )
  }

  private solveAlone(row: number, solution: Solution): void {
    const isAtEnd = this.run([row], maxConflicts)
    const root = this.encoding.encode(row)
    const verdict = !isAtEnd ? 'unknown' : this.search.isTrue(root) ? 'installable' : 'impossible'
    solution.verdicts.set(row, verdict)
    if (verdict === 'installable') this.take(supportOf(this.search, [root]), solution)
  }

  private acceptTogether(rows: readonly number[], solution: Solution): void {
    const { verdicts } = solution
    const rootOf = new Map(rows.map((row) => [this.encoding.encode(row), row]))
    const shown = [...rootOf.keys()].filter((root) => this.search.isTrue(root))
    let roots = shown
    let support = supportOf(this.search, roots)
    while (support.lowered.size > 0) {
      roots = rootsWithout(this.search, roots, support)
      support = supportOf(this.search, roots)
    }
    this.take(support, solution)
    for (const root of roots) verdicts.set(rootOf.get(root)!, 'installable')
    for (const [root, row] of rootOf) if (this.search.isImpossible(root)) verdicts.set(row, 'impossible')
    for (const root of shown) if (!verdicts.has(rootOf.get(root)!)) this.solveAlone(rootOf.get(root)!, solution)
  }

  private take({ reached }: Support, { needed, decisions }: Solution): void {
    const { rowOf, scope } = this.encoding
    for (const variable of reached) {
      const row = rowOf[variable]!
      if (row < 0) continue
      needed.add(row)
      this.taken.add(scope.world.universe.nameOf[row]!)
    }
    for (const { variable, clause, chosen } of this.search.choices)
      if (reached.has(variable) && reached.has(chosen) && rowOf[variable]! >= 0 && rowOf[chosen]! >= 0)
        decisions.push({ row: rowOf[variable]!, clause, chosen: rowOf[chosen]! })
  }
}
