const unknown = 0

/**
 * Clauses over variables, with two watched literals each, and the search that learns a clause from every
 * contradiction. A literal is 2 × variable when it is true with the variable, one more when it is true without it.
 * Source: Eén and Sörensson, "An Extensible SAT-solver" (2003).
 */
export class ClauseEngine {
  /** Literals that are true, in the order in which they became so. */
  readonly trail: number[] = []
  /** By variable: 1 true, -1 false, 0 unknown. */
  readonly value: number[] = []
  /** A place on the trail that goes back with the decisions: what its owner has looked at. */
  head = 0
  private readonly watches: number[][][] = []
  private readonly level: number[] = []
  private readonly reason: (number[] | undefined)[] = []
  private readonly levelStart: number[] = []
  private readonly headAtLevel: number[] = []
  private propagated = 0

  /** How many decisions stand. */
  get levels(): number {
    return this.levelStart.length
  }

  addVariable(): void {
    this.value.push(unknown)
    this.level.push(0)
    this.reason.push(undefined)
    this.watches.push([], [])
  }

  /** Only without decisions: what is assigned then holds for good. Keeps the array. */
  addClause(literals: number[]): void {
    if (literals.length > 1 && literals.every((literal) => this.value[literal >> 1] === unknown))
      return this.watch(literals)
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

  decide(literal: number): void {
    this.levelStart.push(this.trail.length)
    this.headAtLevel.push(this.head)
    this.assign(literal, undefined)
  }

  cancelTo(level: number): void {
    if (this.levelStart.length <= level) return
    const start = this.levelStart[level]!
    for (let at = start; at < this.trail.length; at++) this.value[this.trail[at]! >> 1] = unknown
    this.trail.length = start
    this.propagated = start
    this.head = this.headAtLevel[level]!
    this.levelStart.length = level
    this.headAtLevel.length = level
  }

  /** Draws every forced conclusion; answers the clause that came out false, if one did. */
  propagate(): number[] | undefined {
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
  learn(contradiction: number[]): void {
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
}
