import type { Encoding, Need } from './encoding.ts'
import { clausesOf } from './world.ts'

/** Of several names that would do, one was taken. Variables. */
export interface Choice {
  variable: number
  clause: number
  chosen: number
}

/**
 * A search for a set of packages that holds as many of its roots as go together, the first before the others, with all
 * that they need. What it learns from contradictions it keeps for the next. What is not decided is not there.
 */
export class Search {
  readonly encoding: Encoding
  /** Of the last run; some may have been taken back. */
  choices: Choice[] = []
  /** Numbers of names of which something was taken: preferred where names are to be chosen from. */
  private readonly taken: ReadonlySet<number>
  private roots: readonly number[] = []
  /** How far roots and needs were looked at; by level, for when decisions are taken back. */
  private rootAt = 0
  private lateHead = 0
  private readonly heads: { rootAt: number; lateHead: number }[] = []
  private encodedHead = 0
  /** Trail that holds for good. */
  private settledLength = 0
  private readonly isSettledFalse = new Set<number>()

  constructor(encoding: Encoding, taken: ReadonlySet<number>) {
    this.encoding = encoding
    this.taken = taken
  }

  /** Answers whether it came to an end within so many contradictions. */
  run(roots: readonly number[], maxConflicts: number): boolean {
    const { engine } = this.encoding
    this.roots = roots
    this.choices = []
    this.restart()
    for (let conflicts = 0; conflicts <= maxConflicts;) {
      const contradiction = engine.propagate()
      if (contradiction !== undefined) {
        if (engine.levels === 0) throw new Error('clauses that nothing satisfies, not even an empty system')
        engine.learn(contradiction)
        this.goBack()
        conflicts++
        continue
      }
      if (engine.levels === 0) this.settle()
      if (this.encodeOpen()) continue
      const next = this.nextRoot() ?? this.nextNeed()
      if (next === undefined) return true
      this.heads[engine.levels] = { rootAt: this.rootAt, lateHead: this.lateHead }
      engine.decide(2 * next)
    }
    return false
  }

  isTrue(variable: number): boolean {
    return this.encoding.engine.value[variable]! > 0
  }

  /** Whether it was found that the variable cannot be true in any set. */
  isImpossible(variable: number): boolean {
    return this.isSettledFalse.has(variable)
  }

  /** Takes all decisions back. */
  restart(): void {
    this.encoding.engine.cancelTo(0)
    this.encoding.engine.head = 0
    this.rootAt = 0
    this.lateHead = 0
    this.encodedHead = 0
  }

  private goBack(): void {
    const { engine } = this.encoding
    const { rootAt, lateHead } = this.heads[engine.levels]!
    this.rootAt = rootAt
    this.lateHead = lateHead
    this.encodedHead = Math.min(this.encodedHead, engine.trail.length - 1)
  }

  private settle(): void {
    const { trail } = this.encoding.engine
    for (; this.settledLength < trail.length; this.settledLength++) {
      const literal = trail[this.settledLength]!
      if ((literal & 1) === 1) this.isSettledFalse.add(literal >> 1)
    }
  }

  /** What has become true gets its clauses, for which all decisions are taken back; answers whether there was any. */
  private encodeOpen(): boolean {
    const open = this.encoding.findOpen(this.encodedHead)
    this.encodedHead = this.encoding.engine.trail.length
    if (open.length === 0) return false
    this.restart()
    for (const variable of open) this.encoding.encodeVariable(variable)
    return true
  }

  private nextRoot(): number | undefined {
    const { value } = this.encoding.engine
    for (; this.rootAt < this.roots.length; this.rootAt++) {
      const root = this.roots[this.rootAt]!
      if (value[root] === 0) return root
    }
    return undefined
  }

  /** What leaves a choice of versions first, then what leaves one of names, then what holds only while something is absent. */
  private nextNeed(): number | undefined {
    const { engine, conditional } = this.encoding
    for (; engine.head < engine.trail.length; engine.head++) {
      for (const need of this.needsAt(engine.head)) {
        const open = this.openOf(need)
        if (open.length > 0 && this.isOneName(open)) return open[0]
      }
    }
    for (; this.lateHead < engine.trail.length; this.lateHead++) {
      for (const need of this.needsAt(this.lateHead)) {
        const open = this.openOf(need)
        if (open.length > 0) return this.choose(engine.trail[this.lateHead]! >> 1, need, open)
      }
    }
    for (const { variable, need } of conditional) {
      if (!this.isTrue(variable)) continue
      const open = this.openOf(need)
      if (open.length > 0) return this.choose(variable, need, open)
    }
    return undefined
  }

  private needsAt(place: number): readonly Need[] {
    const literal = this.encoding.engine.trail[place]!
    return (literal & 1) === 1 ? none : this.encoding.needs[literal >> 1]!
  }

  /** Variables that could be taken to meet a need; none when it is met. */
  private openOf({ literals }: Need): readonly number[] {
    const { value } = this.encoding.engine
    for (let at = 0; at < literals.length; at++) {
      const literal = literals[at]!
      if ((literal & 1) === 0 ? value[literal >> 1]! > 0 : value[literal >> 1]! <= 0) return none
    }
    return literals.filter((literal) => (literal & 1) === 0 && value[literal >> 1] === 0).map((literal) => literal >> 1)
  }

  private isOneName(variables: readonly number[]): boolean {
    const first = this.nameOf(variables[0]!)
    return variables.every((variable) => this.nameOf(variable) === first)
  }

  /** Something of a name that was taken before; or what the package itself suggests; or the first. */
  private choose(variable: number, { clause }: Need, open: readonly number[]): number {
    const hinted = this.namesHintedBy(variable)
    const chosen =
      open.find((other) => this.taken.has(this.nameOf(other))) ??
      open.find((other) => hinted.has(this.nameOf(other))) ??
      open[0]!
    this.choices.push({ variable, clause, chosen })
    return chosen
  }

  private namesHintedBy(variable: number): Set<number> {
    const { rowOf, scope } = this.encoding
    const { universe } = scope.world
    const row = rowOf[variable]!
    const names = new Set<number>()
    if (row < 0) return names
    for (const field of ['recommends', 'suggests'] as const)
      for (const clause of clausesOf(universe, row, field))
        for (const satisfier of scope.world.satisfiers(clause)) names.add(universe.nameOf[satisfier]!)
    return names
  }

  /** Parts of rich dependencies have none: each is one of its own. */
  private nameOf(variable: number): number {
    const row = this.encoding.rowOf[variable]!
    return row < 0 ? -1 - variable : this.encoding.scope.world.universe.nameOf[row]!
  }
}

const none: readonly never[] = []
