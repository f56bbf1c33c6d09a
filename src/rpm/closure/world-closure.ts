import type { ModuleFilter } from '../module-filter.ts'
import { type Companion, findCompanions } from './companions.ts'
import { type Profile, barredRows, profileOf } from './profiles.ts'
import type { ClosureRequest, ListedForClosure } from './request.ts'
import { type Decision, Solver, type Verdict } from './solver.ts'
import { findRecommended, findSupplements, type SoftRoot, type Unmet } from './weak.ts'
import type { World } from './world.ts'

/** Something that a line of the list asks for. */
export interface ClosureRoot {
  listed: ListedForClosure
  /** Any of these will do, the first is preferred. */
  candidates: readonly number[]
  /** How many of them are wanted. */
  count: number
}

/** A root that cannot be had. */
export interface Failure {
  root: ClosureRoot
  profile: Profile
  /** Of the preferred candidate. */
  verdict: Verdict
}

/** The closure as machines of one kind see it. */
export interface WorldClosure {
  world: World
  filter: ModuleFilter
  /** Ascending. */
  rows: Uint32Array
  /** Rows that were asked for, each with its root; in the order of rows. */
  roots: { row: number; root: ClosureRoot }[]
  softRoots: SoftRoot[]
  companions: Companion[]
  decisions: Decision[]
  unmet: Unmet[]
  /** Recommended packages and companions that cannot be installed. */
  leftOut: (SoftRoot | Companion)[]
  failures: Failure[]
  /** Candidates that were passed over for a worse one. */
  lowered: { root: ClosureRoot; profile: Profile; taken: number; wanted: number }[]
}

export interface WorldRequest {
  request: ClosureRequest
  filter: ModuleFilter
  roots: readonly ClosureRoot[]
  /** Lines of the list that name a stream. */
  streams: readonly ListedForClosure[]
  /** Numbers of names of which something was taken before; grows. */
  taken: Set<number>
}

export function closeWorld(world: World, { request, filter, roots, streams, taken }: WorldRequest): WorldClosure {
  const closure: WorldClosure = {
    world,
    filter,
    rows: new Uint32Array(0),
    roots: [],
    softRoots: [],
    companions: [],
    decisions: [],
    unmet: [],
    leftOut: [],
    failures: [],
    lowered: [],
  }
  const needed = new Set<number>()
  const groups = groupByProfile(request, roots, streams)
  // The order of the list must not matter.
  for (const { profile, roots: own, streams: listed } of groups.sort((a, b) =>
    a.profile.key < b.profile.key ? -1 : 1,
  )) {
    const part = new ProfileClosure(closure, { profile, taken })
    part.closeRoots(own.sort(compareRoots))
    part.closeSoft(new Set(listed))
    for (const row of part.needed) needed.add(row)
  }
  closure.rows = Uint32Array.from(needed).sort()
  closure.roots.sort((a, b) => a.row - b.row)
  return closure
}

interface Group {
  profile: Profile
  roots: ClosureRoot[]
  /** `name:stream` */
  streams: string[]
}

function groupByProfile(
  request: ClosureRequest,
  roots: readonly ClosureRoot[],
  streams: readonly ListedForClosure[],
): Group[] {
  const groups = new Map<string, Group>()
  const groupOf = (listed: ListedForClosure): Group => {
    const profile = profileOf(request, listed)
    const known = groups.get(profile.key)
    if (known !== undefined) return known
    const group: Group = { profile, roots: [], streams: [] }
    groups.set(profile.key, group)
    return group
  }
  for (const root of roots) groupOf(root.listed).roots.push(root)
  for (const listed of streams) groupOf(listed).streams.push(listed.name.slice(1))
  return [...groups.values()]
}

function compareRoots(a: ClosureRoot, b: ClosureRoot): number {
  return a.candidates[0]! - b.candidates[0]! || a.candidates.length - b.candidates.length
}

/** A root on the way through its candidates. */
interface Attempt {
  root: ClosureRoot
  at: number
  found: number
  verdict: Verdict
}

class ProfileClosure {
  readonly needed = new Set<number>()
  private readonly closure: WorldClosure
  private readonly profile: Profile
  private readonly isBarred: Uint8Array
  private readonly solver: Solver

  constructor(closure: WorldClosure, { profile, taken }: { profile: Profile; taken: Set<number> }) {
    const { world, filter } = closure
    const isBarred = barredRows(world.universe, profile, filter.hidden)
    this.closure = closure
    this.profile = profile
    this.isBarred = isBarred
    this.solver = new Solver({ world, isAllowed: (row) => isBarred[row] === 0 && world.isHere[row] === 1 }, taken)
  }

  /** The preferred candidates of all roots first, then what else is wanted, or must do in their place. */
  closeRoots(roots: readonly ClosureRoot[]): void {
    let open: Attempt[] = roots.map((root) => ({ root, at: 0, found: 0, verdict: 'impossible' }))
    while (open.length > 0) {
      const verdicts = this.solve(open.map(({ root, at }) => root.candidates[at]!))
      open = open.flatMap((attempt) => this.judge(attempt, verdicts.get(attempt.root.candidates[attempt.at]!)!))
    }
  }

  /** What is recommended, what supplements, and companions, until nothing more comes along. */
  closeSoft(listedStreams: ReadonlySet<string>): void {
    const { world } = this.closure
    for (let isDone = false; !isDone;) {
      const scope = {
        world,
        isHeld: (row: number) => this.needed.has(row),
        isUsable: (row: number) => this.isBarred[row] === 0 && world.isHere[row] === 1,
      }
      const rows = [...this.needed].sort((a, b) => a - b)
      const { wanted, unmet } = this.profile.recommends ? findRecommended(scope, rows) : { wanted: [], unmet: [] }
      const supplements = this.profile.recommends ? findSupplements(scope) : []
      const soft = [...wanted, ...supplements]
      const companions = this.findCompanions(listedStreams)
      const verdicts = this.solve([...soft, ...companions].map(({ row }) => row))
      this.keep(soft, { into: this.closure.softRoots, verdicts })
      this.keep(companions, { into: this.closure.companions, verdicts })
      isDone = verdicts.size === 0
      if (isDone) this.closure.unmet.push(...unmet)
    }
  }

  private solve(rows: readonly number[]): ReadonlyMap<number, Verdict> {
    const { verdicts, needed, decisions } = this.solver.solve([...new Set(rows)])
    for (const row of needed) this.needed.add(row)
    this.closure.decisions.push(...decisions)
    return verdicts
  }

  private judge(attempt: Attempt, verdict: Verdict): Attempt[] {
    const { root, at } = attempt
    const { profile, closure } = this
    const isFound = verdict === 'installable'
    if (isFound) {
      closure.roots.push({ row: root.candidates[at]!, root })
      if (at > 0 && attempt.found === 0)
        closure.lowered.push({ root, profile, taken: root.candidates[at]!, wanted: root.candidates[0]! })
    }
    const next = {
      root,
      at: isFound ? this.nextVersion(attempt) : at + 1,
      found: attempt.found + (isFound ? 1 : 0),
      verdict: at === 0 ? verdict : attempt.verdict,
    }
    if (next.found < root.count && next.at < root.candidates.length) return [next]
    if (next.found === 0) closure.failures.push({ root, profile, verdict: next.verdict })
    return []
  }

  /** A version that two architectures have counts once. */
  private nextVersion({ root: { candidates }, at }: Attempt): number {
    const { universe } = this.closure.world
    const version = universe.version(candidates[at]!)
    const next = candidates.findIndex((row, place) => place > at && universe.version(row) !== version)
    return next < 0 ? candidates.length : next
  }

  private findCompanions(listedStreams: ReadonlySet<string>): Companion[] {
    const { world, filter, roots } = this.closure
    const listed = new Set(roots.map(({ row }) => row))
    const found = findCompanions({ world, filter, held: this.needed, listedStreams, listed })
    return found.filter(({ row }) => this.isBarred[row] === 0 && world.isHere[row] === 1)
  }

  /** What cannot be installed is not asked for again. */
  private keep<Kind extends SoftRoot | Companion>(
    roots: readonly Kind[],
    { into, verdicts }: { into: Kind[]; verdicts: ReadonlyMap<number, Verdict> },
  ): void {
    for (const root of roots) {
      if (verdicts.get(root.row) === 'installable') into.push(root)
      else {
        this.isBarred[root.row] = 1
        this.closure.leftOut.push(root)
      }
    }
  }
}
