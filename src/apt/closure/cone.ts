import { Column } from '../../table/index.ts'
import { RelationField } from '../table/table-layout.ts'
import { roomFor } from './row-relations.ts'
import type { FoundObstacle, Obstacle } from './obstacle.ts'
import { Solver, type SolverScope, type Solution } from './solver.ts'
import type { World } from './world.ts'

/**
 * Whether packages can be installed from a set, each with all it needs and nothing that another of them rules out.
 * Every package's needs are followed by first choice (its cone). Most cones hold no two that exclude each other, and
 * those are proved at once for all packages; only the others are searched.
 */
export class Cones {
  readonly scope: SolverScope
  private readonly world: World
  private readonly rowCount: number
  /** Choice of each clause for native rows: row + 1; 0 is not known yet. */
  private choices: Int32Array
  private readonly reached: number[] = []
  private readonly isReached: Uint8Array
  /** Chosen rows of a reached row: `edges[edgeStart … edgeEnd)`. */
  private readonly edges = new Column(Uint32Array)
  private readonly edgeStart: Uint32Array
  private readonly edgeEnd: Uint32Array
  private readonly missing = new Map<number, number>()
  private readonly excludes = new Map<number, Obstacle[]>()
  /** 1 for rows whose cone holds a row with an obstacle. */
  private readonly isDoubtful: Uint8Array
  private readonly stamp: Uint32Array
  private stampNow = 0
  private solver: Solver | undefined

  /** `roots`: what will be asked about. */
  constructor(scope: SolverScope, roots: Iterable<number>) {
    this.scope = scope
    this.world = scope.world
    this.rowCount = this.world.universe.rowCount
    this.choices = new Int32Array(this.world.universe.clauseCount)
    this.isReached = new Uint8Array(this.rowCount)
    this.isDoubtful = new Uint8Array(this.rowCount)
    this.stamp = new Uint32Array(this.rowCount)
    this.edgeStart = new Uint32Array(this.rowCount)
    this.edgeEnd = new Uint32Array(this.rowCount)
    this.reachFrom(roots)
    this.findObstacles()
    this.spreadDoubt()
  }

  /** Rows that are installed with `root`, itself included, in the scope. */
  solve(root: number): Solution {
    if (this.isReached[root] === 1 && this.obstacleOf(root) === undefined)
      return { kind: 'installable', rows: this.reachOf([root]) }
    this.solver ??= new Solver(this.scope)
    return this.solver.solve(root)
  }

  /** As solve, without the rows: those of a whole distribution together are millions. */
  judge(root: number): Solution['kind'] {
    if (this.isReached[root] === 1 && this.obstacleOf(root) === undefined) return 'installable'
    this.solver ??= new Solver(this.scope)
    return this.solver.judge(root)
  }

  /** The first obstacle in the cone of a root that was given; undefined when its cone is proved, or not known. */
  obstacleOf(root: number): Obstacle | undefined {
    if (this.isDoubtful[root] === 0) return undefined
    const { stamp } = this
    const now = ++this.stampNow
    const stack = [root]
    stamp[root] = now
    while (stack.length > 0) {
      const row = stack.pop()!
      const obstacle = this.obstacleAt(row, now)
      if (obstacle !== undefined) return obstacle
      for (let at = this.edgeEnd[row]! - 1; at >= this.edgeStart[row]!; at--) {
        const next = this.edges.at(at)
        if (stamp[next] === now || this.isDoubtful[next] === 0) continue
        stamp[next] = now
        stack.push(next)
      }
    }
    return undefined
  }

  /** The first obstacle with the way there; undefined where there is none. */
  traceObstacle(root: number): FoundObstacle | undefined {
    const found = this.obstacleOf(root)
    if (found === undefined) return undefined
    const ends = found.kind === 'missing' ? [found.row] : [found.row, found.other]
    return { found, chains: ends.map((end) => this.chainTo(root, end)) }
  }

  /** All that these roots reach by first choices. */
  reachOf(roots: Iterable<number>): number[] {
    const now = ++this.stampNow
    const found: number[] = []
    for (const root of roots) {
      if (this.stamp[root] === now) continue
      this.stamp[root] = now
      found.push(root)
    }
    for (let at = 0; at < found.length; at++) this.visitEdges(found[at]!, now, found)
    return found
  }

  /** By first choices. */
  private chainTo(root: number, target: number): number[] {
    const cameFrom = new Map<number, number>([[root, -1]])
    for (const row of cameFrom.keys()) {
      if (row === target) break
      for (const next of this.edgesOf(row)) if (!cameFrom.has(next)) cameFrom.set(next, row)
    }
    const chain: number[] = []
    for (let row = target; row >= 0; row = cameFrom.get(row) ?? -1) chain.unshift(row)
    return chain
  }

  private visitEdges(row: number, now: number, into: number[]): void {
    for (let at = this.edgeStart[row]!; at < this.edgeEnd[row]!; at++) {
      const next = this.edges.at(at)
      if (this.stamp[next] === now) continue
      this.stamp[next] = now
      into.push(next)
    }
  }

  private edgesOf(row: number): Uint32Array {
    return this.edges.values().subarray(this.edgeStart[row], this.edgeEnd[row])
  }

  private obstacleAt(row: number, now: number): Obstacle | undefined {
    const clause = this.missing.get(row)
    if (clause !== undefined) return { kind: 'missing', row, clause }
    return this.excludes
      .get(row)
      ?.find((obstacle) => obstacle.kind === 'conflict' && this.stamp[obstacle.other] === now)
  }

  private reachFrom(roots: Iterable<number>): void {
    for (const root of roots) this.reach(root)
    for (let at = 0; at < this.reached.length; at++) {
      const row = this.reached[at]!
      this.edgeStart[row] = this.edges.length
      this.chooseAll(row)
      this.edgeEnd[row] = this.edges.length
    }
  }

  private reach(row: number): void {
    if (this.isReached[row] === 1) return
    this.isReached[row] = 1
    this.reached.push(row)
  }

  private chooseAll(row: number): void {
    const { universe } = this.world
    const first = universe.relationsAt(row)
    const { relation, relationBounds } = universe
    const now = ++this.stampNow
    const end = relationBounds[first + RelationField.recommends]!
    for (let at = relationBounds[first]!; at < end; at++) {
      const choice = this.choose(relation[at]!, row)
      if (choice < 0) this.missing.set(row, relation[at]!)
      else if (choice !== row && this.stamp[choice] !== now) {
        this.stamp[choice] = now
        this.edges.push(choice)
        this.reach(choice)
      }
    }
  }

  /** The first satisfier in the scope, or -1. A package that satisfies its own relation chooses itself. */
  private choose(clause: number, row: number): number {
    const isNative = this.world.isNative(row)
    this.choices = roomFor(this.choices, clause)
    const known = isNative ? this.choices[clause]! : 0
    if (known !== 0) return known === missingChoice ? -1 : known - 1
    const { isAllowed } = this.scope
    const satisfiers = this.world.satisfiers(clause, row)
    let choice = -1
    for (let at = 0; at < satisfiers.length; at++) {
      const other = satisfiers[at]!
      if (other === row) return row
      if (choice < 0 && isAllowed(other)) choice = other
    }
    if (isNative) this.choices[clause] = choice < 0 ? missingChoice : choice + 1
    return choice
  }

  private findObstacles(): void {
    const { world } = this
    const byName = new Map<number, number[]>()
    for (const row of this.reached) {
      world.someRuledOut(row, (other, clause) => {
        if (this.isReached[other] === 1) this.addConflict(row, other, clause)
        return false
      })
      const name = world.universe.nameOf[row]!
      if (world.universe.rowCountOfName(name) < 2) continue
      const sharers = byName.get(name)
      if (sharers === undefined) byName.set(name, [row])
      else {
        for (const other of sharers) if (!world.isSameNameAllowed(row, other)) this.addConflict(row, other, undefined)
        sharers.push(row)
      }
    }
  }

  private addConflict(row: number, other: number, clause: number | undefined): void {
    const found = this.excludes.get(row)
    const obstacle: Obstacle = { kind: 'conflict', row, other, clause }
    if (found === undefined) this.excludes.set(row, [obstacle])
    else found.push(obstacle)
    const reverse = this.excludes.get(other)
    const seenFromOther: Obstacle = { kind: 'conflict', row: other, other: row, clause }
    if (reverse === undefined) this.excludes.set(other, [seenFromOther])
    else reverse.push(seenFromOther)
  }

  private spreadDoubt(): void {
    const doubtful = [...new Set([...this.missing.keys(), ...this.excludes.keys()])]
    if (doubtful.length === 0) return
    const askers = this.reverseEdges()
    for (const row of doubtful) this.isDoubtful[row] = 1
    for (let at = 0; at < doubtful.length; at++) {
      const row = doubtful[at]!
      for (let i = askers.start[row]!; i < askers.start[row + 1]!; i++) {
        const asker = askers.rows[i]!
        if (this.isDoubtful[asker] === 1) continue
        this.isDoubtful[asker] = 1
        doubtful.push(asker)
      }
    }
  }

  private reverseEdges(): { start: Uint32Array; rows: Uint32Array } {
    const start = new Uint32Array(this.rowCount + 2)
    const edges = this.edges.values()
    for (const next of edges) start[next + 2]!++
    for (let row = 0; row < this.rowCount; row++) start[row + 2]! += start[row + 1]!
    const rows = new Uint32Array(start[this.rowCount + 1]!)
    for (const row of this.reached)
      for (let at = this.edgeStart[row]!; at < this.edgeEnd[row]!; at++) rows[start[edges[at]! + 1]!++] = row
    return { start, rows }
  }
}

const missingChoice = -1
