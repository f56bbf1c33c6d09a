import { unresolvedError, type Unresolved } from '../mirror/index.ts'
import { addedEntries } from './closure/added-entries.ts'
import { extendWorld } from './closure/extend-world.ts'
import { noteChoices } from './closure/notes.ts'
import { ClosureReasons } from './closure/reasons.ts'
import type { ClosureRequest, ListedForClosure } from './closure/request.ts'
import { closeWorld, type Failure, type WorldClosure } from './closure/world-closure.ts'
import { type World, worldOf } from './closure/world.ts'
import { explainFailure, explainUnknown, isCarried, type Explanation } from './explain.ts'
import { allArchitecture } from './closure/join-tables.ts'
import type { Universe } from './universe.ts'
import { compareVersions, satisfies } from './version.ts'

export type { ClosureRequest, ListedForClosure } from './closure/request.ts'

/** What a mirror has to hold. */
export interface Closure {
  /** Sorted by name, version, architecture. */
  readonly rows: Uint32Array
  /** Choices that were made, recommendations that cannot be met, upstreams that disagree: for people. */
  readonly notes: readonly string[]
  readonly reasons: ClosureReasons
  /** One for each architecture of the mirror. */
  readonly worlds: readonly WorldClosure[]
  /** What it answers. */
  readonly request: ClosureRequest
}

/**
 * The listed packages and all they need, so that each of them can be installed from the result alone. Pure: the same
 * universe and the same request, in whatever order, give the same closure, whatever was asked before.
 *
 * Every architecture of the mirror is resolved on its own, as machines of that architecture see it; a package that is
 * listed without one is wanted wherever it exists.
 *
 * `earlier`: of the same universe. Where the list has only grown, and nothing else follows from that, it is extended:
 * the same closure, at the cost of what has come.
 *
 * @throws PACKAGE_UNKNOWN, CLOSURE_UNSATISFIABLE with every problem of the list in `context.problems`
 */
export function resolveClosure(universe: Universe, request: ClosureRequest, earlier?: Closure): Closure {
  return (earlier && extendClosure(universe, earlier, request)) ?? closeAll(universe, request)
}

function closeAll(universe: Universe, request: ClosureRequest): Closure {
  const listed = request.listed.map((entry) => findCandidates(universe, entry))
  const worlds = universe.architectures.map((architecture) => {
    const world = worldOf(universe, architecture)
    return closeWorld(world, request, candidatesIn(world, listed))
  })
  const absent = refuseFailures(universe, listed, worlds)
  const rows = sortRows(universe, worlds)
  return {
    rows,
    notes: [...noteChoices(universe, worlds, rows), ...absent],
    worlds,
    reasons: new ClosureReasons(worlds),
    request,
  }
}

/** Undefined where all has to be looked at. */
function extendClosure(universe: Universe, earlier: Closure, request: ClosureRequest): Closure | undefined {
  const [before, other] = earlier.worlds
  const added = addedEntries(earlier.request, request)
  if (before === undefined || other !== undefined || added === undefined) return undefined
  const listed = added.map((entry) => findCandidates(universe, entry))
  const here = candidatesIn(before.world, listed)
  const world = here.length === added.length ? extendWorld(before, here) : undefined
  if (world === undefined) return undefined
  const worlds = [world]
  const rows = sortRows(universe, worlds)
  return { rows, notes: noteChoices(universe, worlds, rows), worlds, reasons: new ClosureReasons(worlds), request }
}

interface Candidates {
  entry: ListedForClosure
  /** Best first. */
  rows: number[]
}

function findCandidates(universe: Universe, entry: ListedForClosure): Candidates {
  const { name, constraint, architecture } = entry
  const rows: number[] = []
  if (architecture !== undefined && !isCarried(universe, architecture)) return { entry, rows }
  // A list may name everything: no arrays in between.
  for (const row of universe.rowsNamed(name)) {
    if (constraint !== undefined && !satisfies(universe.version(row), constraint.operator, constraint.version)) continue
    if (architecture === undefined || fitsArchitecture(universe.architecture(row), architecture)) rows.push(row)
  }
  return { entry, rows }
}

function fitsArchitecture(found: string, wanted: string): boolean {
  return found === wanted || found === 'all'
}

function candidatesIn(
  world: World,
  listed: readonly Candidates[],
): { listed: ListedForClosure; candidates: readonly number[] }[] {
  const here: { listed: ListedForClosure; candidates: readonly number[] }[] = []
  for (const { entry, rows } of listed) {
    const { architecture } = entry
    if (architecture !== undefined && architecture !== 'all' && architecture !== world.native) continue
    const isForeign = rows.some((row) => !world.isNative(row))
    const candidates = isForeign ? rows.filter((row) => world.isNative(row)) : rows
    if (candidates.length > 0) here.push({ listed: entry, candidates })
  }
  return here
}

/** Notes of what is wanted for one architecture less, when nothing stands against the closure. */
function refuseFailures(universe: Universe, listed: readonly Candidates[], worlds: readonly WorldClosure[]): string[] {
  const unknown = listed.filter(({ rows }) => rows.length === 0).map(({ entry }) => explainUnknown(universe, entry))
  const failures = worlds.flatMap((closure) => closure.failures.map((failure) => ({ closure, failure })))
  const notes: string[] = []
  const unresolved = unknown.map(toUnresolved)
  for (const { closure, failure } of failures) {
    const explanation = explainFailure(closure, failure)
    if (isHadElsewhere(universe, worlds, failure)) notes.push(`not for ${closure.world.native}: ${explanation.message}`)
    else unresolved.push(toUnresolved(explanation))
  }
  if (unresolved.length === 0) return notes
  const code = unknown.length > 0 ? 'PACKAGE_UNKNOWN' : 'CLOSURE_UNSATISFIABLE'
  throw unresolvedError(code, unresolved, 'an upstream, suite or component')
}

function toUnresolved({ listed, ...told }: Explanation): Unresolved {
  return { position: listed?.position, ...told }
}

/** Packages for all architectures often need what only one of them has. */
function isHadElsewhere(universe: Universe, worlds: readonly WorldClosure[], { root }: Failure): boolean {
  const { listed } = root
  if (listed === undefined || universe.architectureOf[root.candidates[0]!] !== allArchitecture) return false
  return worlds.some(({ roots }) => roots.some((other) => other.root.listed === listed))
}

/** By place of the name first, as numbers; then what shares a name by version and architecture. */
function sortRows(universe: Universe, worlds: readonly WorldClosure[]): Uint32Array {
  const [only] = worlds
  const rows =
    worlds.length === 1 ? only!.rows : Uint32Array.from(new Set(worlds.flatMap((world) => Array.from(world.rows))))
  const { nameOf, rowCount } = universe
  const order = universe.nameOrder(rows)
  // By hand: `from` with a function goes through an iterator.
  const keys = new Float64Array(rows.length)
  let count = 0
  for (const row of rows) keys[count++] = order[nameOf[row]!]! * rowCount + row
  keys.sort()
  const sorted = new Uint32Array(count)
  for (let at = 0; at < count; at++) sorted[at] = keys[at]! % rowCount
  for (let start = 0; start < sorted.length;) {
    let end = start + 1
    while (end < sorted.length && nameOf[sorted[end]!] === nameOf[sorted[start]!]) end++
    if (end > start + 1) sorted.subarray(start, end).sort((a, b) => compareSharers(universe, a, b))
    start = end
  }
  return sorted
}

function compareSharers(universe: Universe, a: number, b: number): number {
  return (
    compareVersions(universe.version(a), universe.version(b)) ||
    compareText(universe.version(a), universe.version(b)) ||
    compareText(universe.architecture(a), universe.architecture(b))
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
