import { RelationField } from '../table/table-layout.ts'
import { roomFor } from './row-relations.ts'
import { SelectionTrace } from './selection-trace.ts'
import type { World } from './world.ts'

/** What listed packages that are treated alike have in common. */
export interface Profile {
  /** Whether recommendations are followed. */
  recommends: boolean
  /** Rows that are not to be taken: 1. Grows: also rows that turn out not to be installable. */
  isBarred: Uint8Array
  /** Which clause cannot be satisfied, for the rows that were barred on that account. */
  unsatisfied: Map<number, number>
}

/** Something that is wanted for itself. */
export interface Root {
  profile: number
  /** Any of these will do, the first is preferred. */
  candidates: readonly number[] | Uint32Array
}

/** A recommended package that is taken, and on whose account. */
export interface SoftRoot {
  profile: number
  row: number
  askedBy: number
  clause: number
}

/** Of several names that would do, one was taken. */
export interface Decision {
  profile: number
  row: number
  clause: number
  chosen: number
}

export interface Selection {
  /** 1 for rows that were taken. A superset of what is needed. */
  isTaken: Uint8Array
  /** The row taken for each root; -1 when every candidate is barred. */
  rootRows: number[]
  softRoots: SoftRoot[]
  decisions: Decision[]
  /** Recommendations that nothing satisfies. */
  unmet: { profile: number; row: number; clause: number }[]
  trace: SelectionTrace | undefined
}

/**
 * Takes the roots and all they need, without regard to conflicts. What has only one solution is taken first, then what
 * has several versions of one name, then what leaves a choice of names, and recommendations last; before anything is
 * decided, it is checked whether what has been taken satisfies it already. Rows that cannot be satisfied are barred,
 * and all is done over without them, until nothing is found wanting.
 */
export function selectRows(world: World, profiles: readonly Profile[], roots: readonly Root[]): Selection {
  for (;;) {
    const pass = new SelectionPass(world, profiles)
    const selection = pass.run(roots)
    if (!pass.foundBarred) return selection
  }
}

/** A relation that is still to be decided. */
interface Open {
  profile: number
  row: number
  clause: number
}

class SelectionPass {
  foundBarred = false
  private readonly world: World
  private readonly profiles: readonly Profile[]
  private readonly isTaken: Uint8Array
  private readonly isVisited: Uint8Array[]
  /** Clauses of native rows that are satisfied already. */
  private readonly isSettled: Uint8Array[]
  private readonly visited: { row: number; profile: number }[] = []
  private readonly oneName: Open[] = []
  private readonly severalNames: Open[] = []
  private readonly recommended: Open[] = []
  private readonly selection: Selection

  constructor(world: World, profiles: readonly Profile[]) {
    const { rowCount, clauseCount } = world.universe
    this.world = world
    this.profiles = profiles
    this.isTaken = new Uint8Array(rowCount)
    this.isVisited = profiles.map(() => new Uint8Array(rowCount))
    this.isSettled = profiles.map(() => new Uint8Array(clauseCount))
    const trace = SelectionTrace.isKept(world, profiles) ? new SelectionTrace(world, this.isTaken) : undefined
    this.selection = { isTaken: this.isTaken, rootRows: [], softRoots: [], decisions: [], unmet: [], trace }
  }

  run(roots: readonly Root[]): Selection {
    for (const { profile, candidates } of roots) {
      const row = candidates.find((candidate) => !this.isBarred(profile, candidate)) ?? -1
      this.selection.rootRows.push(row)
      if (row < 0) continue
      this.selection.trace?.beginRoot(row, candidates[0]!)
      this.take(row, profile)
    }
    this.followAll()
    if (this.foundBarred) this.spreadBarred()
    this.selection.trace?.end(this.isSettled[0]!)
    return this.selection
  }

  private followAll(): void {
    let followed = 0
    let one = 0
    let several = 0
    let recommended = 0
    for (;;) {
      if (followed < this.visited.length) this.follow(this.visited[followed++]!)
      else if (one < this.oneName.length) this.settle(this.oneName[one++]!, false)
      else if (several < this.severalNames.length) this.settle(this.severalNames[several++]!, true)
      else if (recommended < this.recommended.length) this.settleRecommended(this.recommended[recommended++]!)
      else return
    }
  }

  private take(row: number, profile: number): void {
    this.isTaken[row] = 1
    const isVisited = this.isVisited[profile]!
    if (isVisited[row] === 1) return
    isVisited[row] = 1
    this.visited.push({ row, profile })
    this.selection.trace?.take(row)
  }

  private follow({ row, profile }: { row: number; profile: number }): void {
    const { universe } = this.world
    this.selection.trace?.follow(row)
    const first = universe.relationsAt(row)
    const { relation, relationBounds } = universe
    const isNative = this.world.isNative(row)
    const isSettled = (this.isSettled[profile] = roomFor(this.isSettled[profile]!, universe.clauseCount))
    const hardEnd = relationBounds[first + RelationField.recommends]!
    const end = relationBounds[first + RelationField.recommends + (this.profiles[profile]!.recommends ? 1 : 0)]!
    for (let at = relationBounds[first]!; at < end; at++) {
      const clause = relation[at]!
      if (isNative && isSettled[clause] === 1) continue
      if (at >= hardEnd) this.recommended.push({ profile, row, clause })
      else {
        this.sort({ profile, row, clause })
        if (isNative) isSettled[clause] = 1
      }
    }
  }

  /** Takes what is the only solution, and puts off the rest. */
  private sort(open: Open): void {
    const { profile, row, clause } = open
    const satisfiers = this.world.satisfiers(clause, row)
    let first = -1
    let count = 0
    let isOneName = true
    for (const satisfier of satisfiers) {
      if (this.isBarred(profile, satisfier)) continue
      if (this.isTaken[satisfier] === 1 || satisfier === row) return this.take(satisfier, profile)
      if (count++ === 0) first = satisfier
      else if (this.world.universe.nameOf[satisfier] !== this.world.universe.nameOf[first]) isOneName = false
    }
    if (count === 0) this.bar(open)
    else if (count === 1) this.take(first, profile)
    else (isOneName ? this.oneName : this.severalNames).push(open)
  }

  private settle(open: Open, isChoice: boolean): void {
    const { profile, row, clause } = open
    const satisfiers = this.world.satisfiers(clause, row)
    const usable = satisfiers.filter((satisfier) => !this.isBarred(profile, satisfier))
    const taken = usable.find((satisfier) => this.isTaken[satisfier] === 1)
    const chosen = taken ?? usable[0]
    this.selection.trace?.settle(clause, usable)
    if (chosen === undefined) return this.bar(open)
    if (isChoice && taken === undefined) this.selection.decisions.push({ profile, row, clause, chosen })
    this.take(chosen, profile)
  }

  private settleRecommended({ profile, row, clause }: Open): void {
    const satisfiers = this.world.satisfiers(clause, row)
    const usable = satisfiers.filter((satisfier) => !this.isBarred(profile, satisfier))
    const chosen = usable.find((satisfier) => this.isTaken[satisfier] === 1) ?? usable[0]
    if (chosen === undefined) return void this.selection.unmet.push({ profile, row, clause })
    if (chosen === row) return
    this.selection.softRoots.push({ profile, row: chosen, askedBy: row, clause })
    this.take(chosen, profile)
  }

  private isBarred(profile: number, row: number): boolean {
    return this.profiles[profile]!.isBarred[row] === 1
  }

  private bar({ profile, row, clause }: Open): void {
    const { isBarred, unsatisfied } = this.profiles[profile]!
    if (isBarred[row] === 1) return
    isBarred[row] = 1
    unsatisfied.set(row, clause)
    this.foundBarred = true
  }

  /** Bars at once what can no longer be satisfied: the last taken first, since needs are taken after who needs them. */
  private spreadBarred(): void {
    const { universe } = this.world
    // What satisfied a clause of a native row when it was last looked at, and most often still does: row + 1.
    const witnesses = this.profiles.map(() => new Uint32Array(universe.clauseCount))
    for (let isChanged = true; isChanged;) {
      isChanged = false
      for (let i = this.visited.length - 1; i >= 0; i--) {
        const { row, profile } = this.visited[i]!
        const { isBarred } = this.profiles[profile]!
        if (isBarred[row] === 1) continue
        const witness = this.world.isNative(row) ? witnesses[profile] : undefined
        const first = universe.relationsAt(row)
        const { relation, relationBounds } = universe
        const end = relationBounds[first + RelationField.recommends]!
        for (let at = relationBounds[first]!; at < end; at++) {
          const clause = relation[at]!
          const known = witness?.[clause] ?? 0
          if (known > 0 && isBarred[known - 1] === 0) continue
          const found = firstUnbarred(this.world.satisfiers(clause, row), isBarred)
          if (witness !== undefined) witness[clause] = found + 1
          if (found >= 0) continue
          this.bar({ profile, row, clause })
          isChanged = true
          break
        }
      }
    }
  }
}

/** Or -1. */
function firstUnbarred(rows: Uint32Array, isBarred: Uint8Array): number {
  for (let at = 0; at < rows.length; at++) if (isBarred[rows[at]!] === 0) return rows[at]!
  return -1
}
