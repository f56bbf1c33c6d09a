import { ClauseEngine } from '../../solve/index.ts'
import type { Condition } from './requirement.ts'
import { clausesOf, isPlain, type World } from './world.ts'

export interface Scope {
  world: World
  /** Rows that may be installed at all. */
  isAllowed: (row: number) => boolean
}

/** What a true variable needs: one of these literals, the preferred first. */
export interface Need {
  literals: readonly number[]
  /** The dependency that it stems from. */
  clause: number
  /** Whether it may hold because something is absent: then it has to be looked at again after every addition. */
  isConditional: boolean
}

/** Where a condition comes from. */
interface Origin {
  row: number
  clause: number
  isConflict: boolean
}

/**
 * Dependencies as clauses. A row gets a variable when something names it, and its own clauses only when it becomes
 * true, or is what would be taken first: a distribution is far larger than what is ever looked at. Variables without a
 * row stand for the nested parts of rich dependencies.
 */
export class Encoding {
  readonly engine = new ClauseEngine()
  /** By variable; -1 for a part of a dependency. */
  readonly rowOf: number[] = []
  readonly needs: Need[][] = []
  /** Needs that are conditional, with the variable that has them. */
  readonly conditional: { variable: number; need: Need }[] = []
  readonly scope: Scope
  private readonly variableOf = new Map<number, number>()
  private readonly isEncoded: boolean[] = []
  /** Variables of rows that are encoded, by name. */
  private readonly byName = new Map<number, number[]>()
  private readonly pending: number[] = []

  constructor(scope: Scope) {
    this.scope = scope
  }

  /** Encodes a row, and what it would draw in first. Only without decisions. */
  encode(row: number): number {
    const variable = this.variable(row)
    this.encodeVariable(variable)
    return variable
  }

  /** Of what is true, from that place of the trail on, what is not encoded. */
  findOpen(from: number): number[] {
    const { trail } = this.engine
    const found: number[] = []
    for (let at = from; at < trail.length; at++) {
      const literal = trail[at]!
      if ((literal & 1) === 0 && !this.isEncoded[literal >> 1]!) found.push(literal >> 1)
    }
    return found
  }

  /** Only without decisions. */
  encodeVariable(variable: number): void {
    this.mark(variable)
    while (this.pending.length > 0) this.encodeRow(this.pending.pop()!)
  }

  private mark(variable: number): void {
    if (this.isEncoded[variable]) return
    this.isEncoded[variable] = true
    this.pending.push(variable)
  }

  private variable(row: number): number {
    const known = this.variableOf.get(row)
    if (known !== undefined) return known
    const variable = this.addVariable(row)
    this.variableOf.set(row, variable)
    return variable
  }

  private addVariable(row: number): number {
    this.needs.push([])
    this.isEncoded.push(row < 0)
    this.engine.addVariable()
    return this.rowOf.push(row) - 1
  }

  private encodeRow(variable: number): void {
    const { world, isAllowed } = this.scope
    const row = this.rowOf[variable]!
    if (!isAllowed(row)) return this.engine.addClause([2 * variable + 1])
    for (const clause of clausesOf(world.universe, row, 'requires')) {
      const requirement = world.requirement(clause)
      if (isPlain(requirement)) this.needOneOf(variable, clause, requirement)
      else this.needAll(variable, requirement.conditions, { row, clause, isConflict: false })
    }
    for (const clause of clausesOf(world.universe, row, 'conflicts'))
      this.needAll(variable, world.prohibition(clause), { row, clause, isConflict: true })
    for (const clause of clausesOf(world.universe, row, 'obsoletes'))
      for (const other of world.replaced(clause))
        if (world.universe.nameOf[other] !== world.universe.nameOf[row]) this.exclude(variable, this.variable(other))
    this.encodeName(row, variable)
  }

  private encodeName(row: number, variable: number): void {
    const { world } = this.scope
    const name = world.universe.nameOf[row]!
    const sharers = this.byName.get(name)
    if (sharers === undefined) return void this.byName.set(name, [variable])
    for (const other of sharers) if (!world.isSameNameAllowed(row, this.rowOf[other]!)) this.exclude(variable, other)
    sharers.push(variable)
  }

  private exclude(a: number, b: number): void {
    this.engine.addClause([2 * a + 1, 2 * b + 1])
  }

  private needOneOf(variable: number, clause: number, rows: readonly number[]): void {
    if (rows.includes(this.rowOf[variable]!)) return
    const literals: number[] = []
    for (const row of rows) if (this.scope.isAllowed(row)) literals.push(2 * this.variable(row))
    if (literals.length === 1 && this.isNeeded(variable, literals[0]!)) return
    this.addNeed(variable, { literals, clause, isConditional: false })
    this.markFirst(literals)
  }

  /** Many dependencies of a package are met by one and the same: glibc provides a name for each of its versions. */
  private isNeeded(variable: number, literal: number): boolean {
    return this.needs[variable]!.some(({ literals }) => literals.length === 1 && literals[0] === literal)
  }

  /** What would be taken first, unless something that would do is there already. */
  private markFirst(literals: readonly number[]): void {
    const first = literals[0]
    if (first !== undefined && !literals.some((literal) => this.isEncoded[literal >> 1]!)) this.mark(first >> 1)
  }

  private needAll(variable: number, conditions: readonly Condition[], origin: Origin): void {
    for (const condition of conditions) this.needCondition(variable, condition, origin)
  }

  /** A package meets its own dependencies, and does not conflict with itself. */
  private needCondition(variable: number, condition: Condition, origin: Origin): void {
    const { row, clause, isConflict } = origin
    if (condition.rows.includes(row) || (isConflict && condition.absent.includes(row))) return
    const literals: number[] = []
    for (const other of condition.rows) if (this.scope.isAllowed(other)) literals.push(2 * this.variable(other))
    for (const inner of condition.nested) {
      const part = this.addVariable(-1)
      this.needAll(part, inner, origin)
      literals.push(2 * part)
    }
    const absent = condition.absent.filter((other) => other !== row)
    for (const other of absent) literals.push(2 * this.variable(other) + 1)
    this.addNeed(variable, { literals, clause, isConditional: absent.length > 0 })
  }

  private addNeed(variable: number, need: Need): void {
    this.needs[variable]!.push(need)
    if (need.isConditional) this.conditional.push({ variable, need })
    this.engine.addClause([2 * variable + 1, ...need.literals])
  }
}
