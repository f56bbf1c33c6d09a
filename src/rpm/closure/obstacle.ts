import type { Scope } from './encoding.ts'
import { clausesOf, isPlain, type Requirement } from './world.ts'

/** Why a package cannot be installed, with the ways from it to where it fails. */
export type Obstacle =
  /** Nothing that can be had satisfies `clause` of the last row of the chain. */
  | { kind: 'missing'; chain: number[]; clause: number }
  /** The last rows of both chains exclude each other: by `clause` of the first of them; or as versions of one name. */
  | { kind: 'conflict'; chains: [number[], number[]]; field?: 'Conflicts' | 'Obsoletes'; clause?: number }
  /** The package itself is left out. */
  | { kind: 'excluded'; row: number }

/** Looks for what stands in the way of packages, once for all of them. */
export class Obstacles {
  readonly scope: Scope
  /** What cannot be had even without regard to conflicts, and why: -1 for what is not allowed. */
  private readonly broken = new Map<number, number>()
  private readonly cone = new Set<number>()

  constructor(scope: Scope, roots: Iterable<number>) {
    this.scope = scope
    for (const root of roots) this.cone.add(root)
    this.reachAll()
    this.findBroken()
  }

  /** Undefined when the reason is not a simple one. */
  of(root: number): Obstacle | undefined {
    if (this.broken.get(root) === -1) return { kind: 'excluded', row: root }
    return this.broken.has(root) ? this.traceMissing(root) : this.traceConflict(root)
  }

  private reachAll(): void {
    const { world, isAllowed } = this.scope
    for (const row of this.cone)
      for (const clause of clausesOf(world.universe, row, 'requires'))
        for (const other of world.satisfiers(clause)) if (isAllowed(other)) this.cone.add(other)
  }

  private findBroken(): void {
    const { world, isAllowed } = this.scope
    const rows = [...this.cone].reverse()
    for (const row of rows) if (!isAllowed(row)) this.broken.set(row, -1)
    for (let size = -1; size < this.broken.size;) {
      size = this.broken.size
      for (const row of rows) {
        if (this.broken.has(row)) continue
        const clause = clausesOf(world.universe, row, 'requires').find((one) =>
          this.isUnmet(row, world.requirement(one)),
        )
        if (clause !== undefined) this.broken.set(row, clause)
      }
    }
  }

  private isUnmet(row: number, requirement: Requirement): boolean {
    const isUsable = (other: number): boolean =>
      other === row || (this.scope.isAllowed(other) && !this.broken.has(other))
    if (isPlain(requirement)) return !requirement.some(isUsable)
    return requirement.conditions.some(
      ({ rows, absent, nested }) => absent.length === 0 && nested.length === 0 && !rows.some(isUsable),
    )
  }

  /** Follows, from a broken row, the first thing that is missing at each step. */
  private traceMissing(root: number): Obstacle {
    const { world, isAllowed } = this.scope
    const chain = [root]
    for (;;) {
      const clause = this.broken.get(chain.at(-1)!)!
      const next = world
        .satisfiers(clause)
        .find((row) => isAllowed(row) && this.broken.has(row) && !chain.includes(row))
      if (next === undefined) return { kind: 'missing', chain, clause }
      chain.push(next)
    }
  }

  /** Of what is needed, each by its first choice, two that exclude each other. */
  private traceConflict(root: number): Obstacle | undefined {
    const { universe } = this.scope.world
    const cameFrom = this.firstChoices(root)
    const byName = new Map<number, number>()
    const found = (a: number, b: number, by: { field?: 'Conflicts' | 'Obsoletes'; clause?: number }): Obstacle => ({
      kind: 'conflict',
      chains: [chainTo(cameFrom, a), chainTo(cameFrom, b)],
      ...by,
    })
    for (const row of cameFrom.keys()) {
      const other = byName.get(universe.nameOf[row]!)
      if (other !== undefined && !this.scope.world.isSameNameAllowed(row, other)) return found(other, row, {})
      byName.set(universe.nameOf[row]!, row)
      const excluded = this.excludedBy(row, cameFrom)
      if (excluded !== undefined) return found(row, excluded.other, excluded)
    }
    return undefined
  }

  private excludedBy(
    row: number,
    cone: ReadonlyMap<number, number>,
  ): { other: number; field: 'Conflicts' | 'Obsoletes'; clause: number } | undefined {
    const { world } = this.scope
    const { universe } = world
    for (const clause of clausesOf(universe, row, 'conflicts'))
      for (const { rows, absent, nested } of world.prohibition(clause)) {
        const other = absent.find((one) => one !== row && cone.has(one))
        if (other !== undefined && rows.length + nested.length === 0 && absent.length === 1)
          return { other, field: 'Conflicts', clause }
      }
    for (const clause of clausesOf(universe, row, 'obsoletes'))
      for (const other of world.replaced(clause))
        if (cone.has(other) && universe.nameOf[other] !== universe.nameOf[row])
          return { other, field: 'Obsoletes', clause }
    return undefined
  }

  /** By row, the row that asks for it; breadth first. */
  private firstChoices(root: number): Map<number, number> {
    const { world, isAllowed } = this.scope
    const cameFrom = new Map([[root, -1]])
    for (const row of cameFrom.keys())
      for (const clause of clausesOf(world.universe, row, 'requires')) {
        const rows = world.satisfiers(clause)
        if (rows.includes(row)) continue
        const first = rows.find((other) => isAllowed(other) && !this.broken.has(other))
        if (first !== undefined && !cameFrom.has(first)) cameFrom.set(first, row)
      }
    return cameFrom
  }
}

function chainTo(cameFrom: ReadonlyMap<number, number>, target: number): number[] {
  const chain: number[] = []
  for (let row = target; row >= 0; row = cameFrom.get(row) ?? -1) chain.unshift(row)
  return chain
}
