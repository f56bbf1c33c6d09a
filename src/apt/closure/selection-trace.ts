import type { Profile } from './selection.ts'
import type { World } from './world.ts'

/** In place of the key of a root: who took a row first. */
const nobody = -1
export const noRoot = 0x7fffffff

/**
 * How a selection came about, as far as it tells what roots more would change of it: see extendWorld. Only of what most
 * mirrors are: one architecture, one profile, no recommendations. The key of a root is its best candidate; roots come in
 * the order of their keys, and before all that they need.
 */
export class SelectionTrace {
  /** 1 for rows that were taken. */
  readonly isTaken: Uint8Array
  /** 1 for rows that were taken before anything was decided. */
  isForced: Uint8Array
  /** Clauses that nothing of these satisfies. */
  readonly decided: Set<number>
  private readonly world: World
  /** 1 for clauses that a taken row has. */
  private isUsed: Uint8Array = new Uint8Array()
  /** By row, the key of the root that took it first, or `noRoot`; for a root itself `nobody`. */
  private readonly takenBy: Int32Array
  /** 1 for rows that satisfy a clause of a taken row, whether they were taken or not. Made when first asked for. */
  private isAskedFor: Uint8Array | undefined
  private readonly lowered = new Set<number>()
  private taker = nobody

  constructor(world: World, isTaken: Uint8Array, earlier?: SelectionTrace) {
    this.world = world
    this.isTaken = isTaken
    this.isForced = earlier?.isForced.slice() ?? isTaken
    this.decided = earlier?.decided ?? new Set()
    this.takenBy = earlier?.takenBy.slice() ?? new Int32Array(isTaken.length)
    this.isAskedFor = earlier?.askedFor().slice()
  }

  static isKept({ universe }: World, profiles: readonly Profile[]): boolean {
    return universe.architectures.length === 1 && profiles.length === 1 && !profiles[0]!.recommends
  }

  beginRoot(row: number, key: number): void {
    if (row !== key) this.lowered.add(row)
  }

  take(row: number): void {
    this.takenBy[row] = this.taker
  }

  follow(row: number): void {
    this.taker = this.isRoot(row) && !this.lowered.has(row) ? row : noRoot
  }

  settle(clause: number, usable: Uint32Array): void {
    // Up to the first that is settled, all that is taken is forced.
    if (this.isForced === this.isTaken) this.isForced = this.isTaken.slice()
    if (!usable.some((row) => this.isForced[row] === 1)) this.decided.add(clause)
  }

  end(isUsed: Uint8Array): void {
    this.isUsed = isUsed
  }

  isRoot(row: number): boolean {
    return this.takenBy[row] === nobody && this.isTaken[row] === 1
  }

  /** Whether a taken row is there before what a root of that key needs is looked at; `noRoot`: before what others need. */
  isBefore(row: number, key: number): boolean {
    return this.takenBy[row]! < key
  }

  /** Whether a taken row needs something that the row would do for. */
  isWanted(row: number): boolean {
    return this.askedFor()[row] === 1
  }

  /** A row that has come to this trace; `taker` as in `isBefore`, nothing for a root. */
  add(row: number, taker: number = nobody): void {
    this.isTaken[row] = 1
    this.isForced[row] = 1
    this.takenBy[row] = taker
  }

  /** What a row that has come needs. */
  addNeed(clause: number, row: number): void {
    markAll(this.askedFor(), this.world.satisfiers(clause, row))
  }

  private askedFor(): Uint8Array {
    if (this.isAskedFor !== undefined) return this.isAskedFor
    const marks = new Uint8Array(this.isTaken.length)
    const someRow = this.isTaken.indexOf(1)
    for (let clause = 0; clause < this.isUsed.length; clause++)
      if (this.isUsed[clause] === 1) markAll(marks, this.world.satisfiers(clause, someRow))
    return (this.isAskedFor = marks)
  }
}

function markAll(marks: Uint8Array, rows: Uint32Array): void {
  for (let at = 0; at < rows.length; at++) marks[rows[at]!] = 1
}
