import { RelationField } from '../table/table-layout.ts'
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

/** Literals: 2 × variable is "installed", one more is "not installed". */
const unknown = 0
/** Far above what real distributions need: a few dozen. */
const maxConflicts = 20_000

/**
 * Finds, for one package, a set of packages that can be installed together and holds all it needs: a search that
 * learns from each contradiction (conflict-driven, with two watched literals a clause), which decides in the order
 * in which dependencies name their alternatives. What it learns it keeps for the next package. Deterministic.
 * Source: Eén and Sörensson, "An Extensible SAT-solver" (2003).
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
  private readonly watches: number[][][] = []
  private readonly value: number[] = []
  private readonly level: number[] = []
  private readonly reason: (number[] | undefined)[] = []
  private readonly trail: number[] = []
  private readonly levelStart: number[] = []
  private readonly headAtLevel: number[] = []
  private propagated = 0
  /** Variables on the trail before this one have all they need. */
  private head = 0

  constructor(scope: SolverScope) {
    this.scope = scope
  }

  solve(row: number): Solution {
    if (!this.scope.isAllowed(row)) return { kind: 'impossible' }
    this.cancelTo(0)
    const root = this.encode(row)
    if (this.propagate() !== undefined) return { kind: 'impossible' }
    for (let conflicts = 0; conflicts <= maxConflicts;) {
      const contradiction = this.propagate()
      if (contradiction !== undefined) {
        if (this.levelStart.length === 0) return { kind: 'impossible' }
        this.learn(contradiction)
        conflicts++
      } else if (this.value[root] === unknown) this.decide(2 * root)
      else if (this.value[root]! < 0) return { kind: 'impossible' }
      else {
        const next = this.nextDecision()
        if (next < 0) return { kind: 'installable', rows: this.neededBy(root) }
        this.decide(2 * next)
      }
    }
    return { kind: 'unknown' }
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
    this.value.push(unknown)
    this.level.push(0)
    this.reason.push(undefined)
    this.watches.push([], [])
    pending.push(row)
    return variable
  }

  private encodeRow(row: number, pending: number[]): void {
    const { world, isAllowed } = this.scope
    const { relation, relationStart } = world.universe
    const variable = this.variableOf.get(row)!
    const end = relationStart[row * 5 + RelationField.recommends]!
    for (let at = relationStart[row * 5]!; at < end; at++) {
      const satisfiers = world.satisfiers(relation[at]!, row)
      if (satisfiers.includes(row)) continue
      const rows: number[] = []
      for (const satisfier of satisfiers) if (isAllowed(satisfier)) rows.push(satisfier)
      const need = this.preferred(rows).map((satisfier) => this.variable(satisfier, pending))
      if (need.length > 0) this.needs[variable]!.push(need)
      const clause = [2 * variable + 1]
      for (const satisfier of need) clause.push(2 * satisfier)
      this.addClause(clause)
    }
    this.encodeConflicts(row, variable)
  }

  private encodeConflicts(row: number, variable: number): void {
    const { world } = this.scope
    world.someRuledOut(row, (other) => {
      const found = this.variableOf.get(other)
      if (found === undefined) pushTo(this.ruledOutBy, other, variable)
      else this.addClause([2 * variable + 1, 2 * found + 1])
      return false
    })
    for (const other of this.ruledOutBy.get(row) ?? []) this.addClause([2 * variable + 1, 2 * other + 1])
    const name = world.universe.nameOf[row]!
    for (const other of this.byName.get(name) ?? [])
      if (!world.isSameNameAllowed(row, this.rowOf[other]!)) this.addClause([2 * variable + 1, 2 * other + 1])
    pushTo(this.byName, name, variable)
  }

  private preferred(rows: number[]): number[] {
    const { isPreferred } = this.scope
    if (isPreferred === undefined) return rows
    return [...rows.filter(isPreferred), ...rows.filter((row) => !isPreferred(row))]
  }

  /** Only without decisions: what is assigned then holds for good. */
  private addClause(literals: number[]): void {
    const open: number[] = []
    for (const literal of literals) {
      const value = this.valueOf(literal)
      if (value > 0) return
      if (value === unknown) open.push(literal)
    }
    if (open.length === 1) this.assign(open[0]!, undefined)
    else if (open.length > 1) this.watch(open)
  }

  private watch(clause: number[]): void {
    this.watches[clause[0]!]!.push(clause)
    this.watches[clause[1]!]!.push(clause)
  }

  /** 1 true, -1 false, 0 unknown. */
  private valueOf(literal: number): number {
    const value = this.value[literal >> 1]!
    return (literal & 1) === 0 ? value : -value
  }

  private assign(literal: number, reason: number[] | undefined): void {
    const variable = literal >> 1
    this.value[variable] = (literal & 1) === 0 ? 1 : -1
    this.level[variable] = this.levelStart.length
    this.reason[variable] = reason
    this.trail.push(literal)
  }

  private decide(literal: number): void {
    this.levelStart.push(this.trail.length)
    this.headAtLevel.push(this.head)
    this.assign(literal, undefined)
  }

  private cancelTo(level: number): void {
    if (this.levelStart.length <= level) return
    const start = this.levelStart[level]!
    for (let at = start; at < this.trail.length; at++) this.value[this.trail[at]! >> 1] = unknown
    this.trail.length = start
    this.propagated = start
    this.head = this.headAtLevel[level]!
    this.levelStart.length = level
    this.headAtLevel.length = level
  }

  /** The first package that is needed and not there, or -1 when nothing is wanting. */
  private nextDecision(): number {
    for (; this.head < this.trail.length; this.head++) {
      const literal = this.trail[this.head]!
      if ((literal & 1) === 1) continue
      for (const need of this.needs[literal >> 1]!) {
        if (need.some((variable) => this.value[variable]! > 0)) continue
        const open = need.find((variable) => this.value[variable] === unknown)
        if (open !== undefined) return open
      }
    }
    return -1
  }

  /** Draws every forced conclusion; answers the clause that came out false, if one did. */
  private propagate(): number[] | undefined {
    while (this.propagated < this.trail.length) {
      const falsified = this.trail[this.propagated++]! ^ 1
      const watching = this.watches[falsified]!
      let kept = 0
      for (let at = 0; at < watching.length; at++) {
        const clause = watching[at]!
        if (clause[0] === falsified) {
          clause[0] = clause[1]!
          clause[1] = falsified
        }
        if (this.valueOf(clause[0]!) > 0) {
          watching[kept++] = clause
          continue
        }
        if (this.moveWatch(clause)) continue
        watching[kept++] = clause
        if (this.valueOf(clause[0]!) < 0) {
          while (++at < watching.length) watching[kept++] = watching[at]!
          watching.length = kept
          this.propagated = this.trail.length
          return clause
        }
        this.assign(clause[0]!, clause)
      }
      watching.length = kept
    }
    return undefined
  }

  private moveWatch(clause: number[]): boolean {
    for (let at = 2; at < clause.length; at++) {
      const literal = clause[at]!
      if (this.valueOf(literal) < 0) continue
      clause[at] = clause[1]!
      clause[1] = literal
      this.watches[literal]!.push(clause)
      return true
    }
    return false
  }

  /** Learns the clause of the first unique implication point, and goes back to where it forces something. */
  private learn(contradiction: number[]): void {
    const seen = new Set<number>()
    const learned: number[] = [0]
    const current = this.levelStart.length
    let open = 0
    let back = 0
    let at = this.trail.length - 1
    let literal = -1
    for (let clause: number[] | undefined = contradiction; ; clause = this.reason[literal >> 1]) {
      for (const other of clause ?? []) {
        const variable = other >> 1
        if (other === literal || seen.has(variable) || this.level[variable] === 0) continue
        seen.add(variable)
        if (this.level[variable] === current) open++
        else {
          learned.push(other)
          back = Math.max(back, this.level[variable]!)
        }
      }
      while (!seen.has(this.trail[at]! >> 1)) at--
      literal = this.trail[at--]!
      if (--open === 0) break
    }
    learned[0] = literal ^ 1
    this.cancelTo(back)
    if (learned.length > 1) {
      const highest = learned.findIndex((other, place) => place > 0 && this.level[other >> 1] === back)
      ;[learned[1], learned[highest]] = [learned[highest]!, learned[1]!]
      this.watch(learned)
    }
    this.assign(learned[0], learned.length > 1 ? learned : undefined)
  }

  /** Of what is true now, what the root reaches: the first of each need. */
  private neededBy(root: number): number[] {
    const reached = new Set([root])
    for (const variable of reached)
      for (const need of this.needs[variable]!) {
        if (need.some((satisfier) => reached.has(satisfier))) continue
        reached.add(need.find((satisfier) => this.value[satisfier]! > 0)!)
      }
    return Array.from(reached, (variable) => this.rowOf[variable]!)
  }
}

function pushTo(map: Map<number, number[]>, key: number, value: number): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [value])
  else known.push(value)
}
