import { baseRows } from '../base-set.ts'
import { Cones } from './cone.ts'
import type { FoundObstacle } from './obstacle.ts'
import { Profiles } from './profiles.ts'
import type { ClosureRequest, ListedForClosure } from './request.ts'
import { type Decision, type Root, selectRows, type Selection, type SoftRoot } from './selection.ts'
import type { SelectionTrace } from './selection-trace.ts'
import { Solver } from './solver.ts'
import type { World } from './world.ts'

/** A root, and why it is one: a line of the list, or the base. */
export interface ClosureRoot extends Root {
  listed: ListedForClosure | undefined
}

/** A root that cannot be had. */
export interface Failure {
  root: ClosureRoot
  /** `barred`: something needed is missing. `conflict`: what is needed excludes itself. `unknown`: not decided. */
  kind: 'barred' | 'conflict' | 'unknown'
  obstacle?: FoundObstacle
}

/** The closure as machines of one architecture see it. */
export interface WorldClosure {
  world: World
  profiles: Profiles
  /** Ascending. */
  rows: Uint32Array
  /** Rows that were asked for, each with its root; in the order of rows. */
  roots: { row: number; root: ClosureRoot }[]
  softRoots: readonly SoftRoot[]
  decisions: readonly Decision[]
  unmet: Selection['unmet']
  /** Recommended packages that could not be taken, since what they need excludes itself. */
  conflicting: readonly SoftRoot[]
  failures: Failure[]
  /** Roots for which another than the best candidate was taken. */
  lowered: { root: ClosureRoot; taken: number; wanted: number; obstacle: FoundObstacle | undefined }[]
  /** What it takes to add roots to it; undefined where they have to be looked at with all others. */
  trace: SelectionTrace | undefined
}

export function closeWorld(
  world: World,
  request: ClosureRequest,
  listed: readonly { listed: ListedForClosure; candidates: readonly number[] }[],
): WorldClosure {
  const profiles = new Profiles(world.universe, request)
  const roots: ClosureRoot[] = listed.map(({ listed, candidates }) => ({
    listed,
    candidates,
    profile: profiles.numberOf(listed),
  }))
  for (const row of baseRows(world, request.base ?? 'none'))
    if (profiles.all[0]!.isBarred[row] === 0) roots.push({ listed: undefined, candidates: [row], profile: 0 })
  // The order of the list must not matter.
  roots.sort(
    (a, b) => a.candidates[0]! - b.candidates[0]! || a.candidates.length - b.candidates.length || a.profile - b.profile,
  )
  const conflicting: SoftRoot[] = []
  for (;;) {
    const attempt = new Attempt(world, profiles, roots)
    const closure = attempt.run()
    if (attempt.barred.length === 0) return { ...closure, conflicting }
    conflicting.push(...attempt.barred)
  }
}

class Attempt {
  /** Recommended packages that turned out not to be installable: they are barred, and all is done over. */
  readonly barred: SoftRoot[] = []
  private readonly world: World
  private readonly profiles: Profiles
  private readonly roots: readonly ClosureRoot[]
  private readonly selection: Selection
  private readonly isNeeded: Uint8Array
  private readonly found: WorldClosure['roots'] = []
  private readonly failures: Failure[] = []
  private readonly lowered: WorldClosure['lowered'] = []
  /** Whether nothing was barred, and all was found within the selection. */
  private isWithinSelection: boolean

  constructor(world: World, profiles: Profiles, roots: readonly ClosureRoot[]) {
    this.world = world
    this.profiles = profiles
    this.roots = roots
    this.selection = selectRows(world, profiles.all, roots)
    this.isNeeded = new Uint8Array(world.universe.rowCount)
    this.isWithinSelection = profiles.all[0]!.unsatisfied.size === 0
  }

  run(): Omit<WorldClosure, 'conflicting'> {
    this.profiles.all.forEach((_, profile) => this.prove(profile))
    const { world, profiles, failures, lowered } = this
    const { decisions, unmet, softRoots } = this.selection
    const rows: number[] = []
    for (let row = 0; row < this.isNeeded.length; row++) if (this.isNeeded[row] === 1) rows.push(row)
    this.found.sort((a, b) => a.row - b.row)
    return {
      world,
      profiles,
      rows: Uint32Array.from(rows),
      roots: this.found,
      softRoots,
      decisions,
      unmet,
      failures,
      lowered,
      trace: this.isWithinSelection && failures.length === 0 ? this.selection.trace : undefined,
    }
  }

  /** Finds for each root of the profile a set that can be installed together; the closure is all of them. */
  private prove(profile: number): void {
    const { isTaken, rootRows } = this.selection
    const { isBarred } = this.profiles.all[profile]!
    const soft = this.selection.softRoots.filter((root) => root.profile === profile)
    const wanted: number[] = []
    const { roots } = this
    for (let place = 0; place < roots.length; place++)
      if (roots[place]!.profile === profile && rootRows[place]! >= 0) wanted.push(rootRows[place]!)
    for (const { row } of soft) wanted.push(row)
    const scope = { world: this.world, isAllowed: (row: number) => isTaken[row] === 1 && isBarred[row] === 0 }
    const cones = new Cones(scope, wanted)
    const search = new RootSearch(this.world, cones, isBarred, isTaken)
    const proved: number[] = []
    for (let place = 0; place < roots.length; place++) {
      const root = roots[place]!
      if (root.profile !== profile) continue
      const row = rootRows[place]!
      if (row < 0) this.failures.push({ root, kind: 'barred' })
      else if (cones.obstacleOf(row) === undefined) {
        proved.push(row)
        this.accept(root, row)
      } else this.searchRoot(root, search)
    }
    for (const root of soft) {
      if (cones.obstacleOf(root.row) === undefined) proved.push(root.row)
      else {
        const rows = search.installableWith(root.row)
        if (rows === undefined) this.bar(root)
        else this.need(rows)
      }
    }
    this.need(cones.reachOf(proved))
    if (search.wentFarther) this.isWithinSelection = false
  }

  private searchRoot(root: ClosureRoot, search: RootSearch): void {
    const { isBarred } = this.profiles.all[root.profile]!
    const usable = Array.from(root.candidates).filter((candidate) => isBarred[candidate] === 0)
    for (const candidate of usable) {
      const rows = search.installableWith(candidate)
      if (rows === undefined) continue
      this.need(rows)
      return this.accept(root, candidate, search)
    }
    const kind = search.wasGivenUp ? 'unknown' : 'conflict'
    this.failures.push({ root, kind, ...optional('obstacle', search.obstacleOf(usable[0]!)) })
  }

  private accept(root: ClosureRoot, row: number, search?: RootSearch): void {
    this.found.push({ row, root })
    const wanted = root.candidates[0]!
    if (row === wanted) return
    this.lowered.push({ root, taken: row, wanted, obstacle: search?.obstacleOf(wanted) })
  }

  private bar(root: SoftRoot): void {
    this.profiles.all[root.profile]!.isBarred[root.row] = 1
    this.barred.push(root)
  }

  private need(rows: Iterable<number>): void {
    for (const row of rows) this.isNeeded[row] = 1
  }
}

/** Looks for a way to install a row: within what was taken, then in the whole universe. */
class RootSearch {
  wasGivenUp = false
  wentFarther = false
  private readonly cones: Cones
  private readonly wider: Solver

  constructor(world: World, cones: Cones, isBarred: Uint8Array, isTaken: Uint8Array) {
    this.cones = cones
    this.wider = new Solver({
      world,
      isAllowed: (row) => isBarred[row] === 0,
      isPreferred: (row) => isTaken[row] === 1,
    })
  }

  installableWith(row: number): number[] | undefined {
    const near = this.cones.solve(row)
    if (near.kind === 'installable') return near.rows
    this.wentFarther = true
    const far = this.wider.solve(row)
    if (far.kind === 'unknown') this.wasGivenUp = true
    return far.kind === 'installable' ? far.rows : undefined
  }

  obstacleOf(row: number): FoundObstacle | undefined {
    return this.cones.traceObstacle(row)
  }
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value })
}
