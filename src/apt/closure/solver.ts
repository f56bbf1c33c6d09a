import { RelationField } from '../table/table-layout.ts'
import { ClauseEngine } from '../../solve/index.ts'
import type { World } from './world.ts'

export type Solution =
  | { kind: 'installable'; rows: number[] }
  | { kind: 'impossible' }
  /** The search was given up at its limit. */
  | { kind: 'unknown' }

export interface SolverScope {
  world: World
  /** Rows that may be installed at all. */
  isAllowed: (row: number) => boolean
  /** Rows to try first. Default: none; then the order of satisfiers decides alone. */
  isPreferred?: (row: number) => boolean
}

/** Far above what real distributions need: a few dozen. */
const maxConflicts = 20_000

/**
 * Finds, for one package, a set of packages that can be installed together and holds all it needs: a search that
 * learns from each contradiction, and decides in the order in which dependencies name their alternatives. What it
 * learns it keeps for the next package. Deterministic.
 */
export class Solver {
  private readonly scope: SolverScope
  private readonly variableOf = new Map<number, number>()
  private readonly rowOf: number[] = []
  /** Dependency clauses of a variable that is true: their satisfiers as variables, the preferred first. */
  private readonly needs: number[][][] = []
  private readonly byName = new Map<number, number[]>()
  /** Who rules out a row that has no variable yet. */
  private readonly ruledOutBy = new Map<number, number[]>()
  private readonly engine = new ClauseEngine()
  /** Variables that were true in some solution. */
  private readonly shown = new Set<number>()

  constructor(scope: SolverScope) {
    this.scope = scope
  }

  solve(row: number): Solution {
    const kind = this.search(row)
    return kind === 'installable' ? { kind, rows: this.neededBy(this.variableOf.get(row)!) } : { kind }
  }

  /** As solve, without the rows. What was found installable together with an earlier row is not searched again. */
  judge(row: number): Solution['kind'] {
    const variable = this.variableOf.get(row)
    if (variable !== undefined && this.shown.has(variable)) return 'installable'
    const kind = this.search(row)
    // Where a search ends well, nothing that is true lacks anything or excludes anything.
    if (kind === 'installable')
      for (const literal of this.engine.trail) if ((literal & 1) === 0) this.shown.add(literal >> 1)
    return kind
  }

  private search(row: number): Solution['kind'] {
    if (!this.scope.isAllowed(row)) return 'impossible'
    const { engine } = this
    engine.cancelTo(0)
    const root = this.encode(row)
    for (let conflicts = 0; conflicts <= maxConflicts;) {
      const contradiction = engine.propagate()
      if (contradiction !== undefined) {
        if (engine.levels === 0) return 'impossible'
        engine.learn(contradiction)
        conflicts++
      } else if (engine.value[root] === 0) engine.decide(2 * root)
      else if (engine.value[root]! < 0) return 'impossible'
      else {
        const next = this.nextDecision()
        if (next < 0) return 'installable'
        engine.decide(2 * next)
      }
    }
    return 'unknown'
  }

  /** Gives a row and all that could ever be needed for it a variable and their clauses. */
  private encode(row: number): number {
    const known = this.variableOf.get(row)
    if (known !== undefined) return known
    const pending: number[] = []
    const variable = this.variable(row, pending)
    for (let at = 0; at < pending.length; at++) this.encodeRow(pending[at]!, pending)
    return variable
  }

  private variable(row: number, pending: number[]): number {
    const known = this.variableOf.get(row)
    if (known !== undefined) return known
    const variable = this.rowOf.length
    this.variableOf.set(row, variable)
    this.rowOf.push(row)
    this.needs.push([])
    this.engine.addVariable()
    pending.push(row)
    return variable
  }

  private encodeRow(row: number, pending: number[]): void {
    const { world, isAllowed } = this.scope
    const first = world.universe.relationsAt(row)
    const { relation, relationBounds } = world.universe
    const variable = this.variableOf.get(row)!
    const end = relationBounds[first + RelationField.recommends]!
    for (let at = relationBounds[first]!; at < end; at++) {
      const satisfiers = world.satisfiers(relation[at]!, row)
      if (holds(satisfiers, row)) continue
      const rows: number[] = []
      for (let i = 0; i < satisfiers.length; i++) if (isAllowed(satisfiers[i]!)) rows.push(satisfiers[i]!)
      const need: number[] = []
      for (const satisfier of this.preferred(rows)) need.push(this.variable(satisfier, pending))
      if (need.length > 0) this.needs[variable]!.push(need)
      const clause = [2 * variable + 1]
      for (const satisfier of need) clause.push(2 * satisfier)
      this.engine.addClause(clause)
    }
    this.encodeConflicts(row, variable)
  }

  private encodeConflicts(row: number, variable: number): void {
    const { world } = this.scope
    world.someRuledOut(row, (other) => {
      const found = this.variableOf.get(other)
      if (found === undefined) pushTo(this.ruledOutBy, other, variable)
      else this.engine.addClause([2 * variable + 1, 2 * found + 1])
      return false
    })
    for (const other of this.ruledOutBy.get(row) ?? []) this.engine.addClause([2 * variable + 1, 2 * other + 1])
    const name = world.universe.nameOf[row]!
    for (const other of this.byName.get(name) ?? [])
      if (!world.isSameNameAllowed(row, this.rowOf[other]!)) this.engine.addClause([2 * variable + 1, 2 * other + 1])
    pushTo(this.byName, name, variable)
  }

  private preferred(rows: number[]): number[] {
    const { isPreferred } = this.scope
    if (isPreferred === undefined) return rows
    return [...rows.filter(isPreferred), ...rows.filter((row) => !isPreferred(row))]
  }

  /** The first package that is needed and not there, or -1 when nothing is wanting. */
  private nextDecision(): number {
    const { engine } = this
    for (; engine.head < engine.trail.length; engine.head++) {
      const literal = engine.trail[engine.head]!
      if ((literal & 1) === 1) continue
      for (const need of this.needs[literal >> 1]!) {
        if (need.some((variable) => engine.value[variable]! > 0)) continue
        const open = need.find((variable) => engine.value[variable] === 0)
        if (open !== undefined) return open
      }
    }
    return -1
  }

  /** Of what is true now, what the root reaches: the first of each need. */
  private neededBy(root: number): number[] {
    const reached = new Set([root])
    for (const variable of reached)
      for (const need of this.needs[variable]!) {
        if (need.some((satisfier) => reached.has(satisfier))) continue
        reached.add(need.find((satisfier) => this.engine.value[satisfier]! > 0)!)
      }
    return Array.from(reached, (variable) => this.rowOf[variable]!)
  }
}

/** By hand: most lists are of one, and a call of includes costs more. */
function holds(rows: Uint32Array, wanted: number): boolean {
  for (let i = 0; i < rows.length; i++) if (rows[i] === wanted) return true
  return false
}

function pushTo(map: Map<number, number[]>, key: number, value: number): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [value])
  else known.push(value)
}
