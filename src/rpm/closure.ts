import { unresolvedError, type Unresolved } from '../mirror/index.ts'
import { isRunBy, noArchitecture } from './closure/architectures.ts'
import { noteChoices } from './closure/notes.ts'
import { Reasons } from './closure/reasons.ts'
import type { ClosureRequest, ListedForClosure } from './closure/request.ts'
import { type ClosureRoot, closeWorld, type Failure, type WorldClosure } from './closure/world-closure.ts'
import { type World, worldsOf } from './closure/world.ts'
import { explainFailures, explainUnknown, type Explanation } from './explain.ts'
import { filterModules, type ModuleFilter } from './module-filter.ts'
import { type Capability, type Comparison, overlaps } from './relation.ts'
import type { Universe } from './universe.ts'
import { compareEvr, parseEvr } from './version.ts'

export type { ClosureRequest, ListedForClosure } from './closure/request.ts'

/** What a mirror has to hold. */
export interface Closure {
  /** Sorted by name, version, architecture. */
  readonly rows: Uint32Array
  /** Choices that were made, recommendations that cannot be met, upstreams that disagree: for people. */
  readonly notes: readonly string[]
  /** `listed`, `nginx Requires openssl-libs >= 3.0`, `module nodejs:20`, or `goes with glibc-2.34-1.i686`: the shortest way. */
  reason(row: number): string
  /** One for each kind of machine that the mirror is for. */
  readonly worlds: readonly WorldClosure[]
  /** `name:stream` of the modules of which the closure has packages. */
  readonly streams: readonly string[]
}

/**
 * The listed packages and all they need, so that each of them can be installed from the result alone. Pure: the same
 * universe and the same request, in whatever order, give the same closure, whatever was asked before.
 *
 * Each kind of machine of the mirror is resolved on its own: x86_64 with i686, if the mirror has both, is one. A
 * package that is listed without an architecture is wanted in the machine's own, or else in one that it runs besides;
 * one that is listed with an architecture, also where it is of noarch, is wanted by machines that run that.
 * See Universe.missingFiles for paths of files that only filelists.xml has.
 *
 * @throws PACKAGE_UNKNOWN, CLOSURE_UNSATISFIABLE with every problem of the list in `context.problems`
 */
export function resolveClosure(universe: Universe, request: ClosureRequest): Closure {
  const filter = filterModules(universe, {
    metadata: request.modules ?? { builds: [], defaults: {} },
    streams: streamsOf(request),
  })
  const listed = [...request.listed].sort(compareListed)
  const streams = listed.filter(({ name }) => name.startsWith('@'))
  const packages = listed.filter(({ name }) => !name.startsWith('@'))
  const taken = new Set<number>()
  const worlds = worldsOf(universe).map((world) => {
    const roots = packages
      .filter(({ architecture }) => architecture === undefined || isRunBy(world.machine, architecture))
      .map((entry) => rootOf(world, { entry, request, filter }))
      .filter(({ candidates }) => candidates.length > 0)
    return closeWorld(world, { request, filter, roots, streams, taken })
  })
  const absent = refuseFailures(universe, { filter, worlds, listed: [...packages, ...streams] })
  const rows = sortRows(universe, worlds)
  const reasons = worlds.map((world) => new Reasons(world))
  const held = new Set(rows)
  const used = filter.active.filter((build) => build.rows.some((row) => held.has(row)))
  return {
    rows,
    notes: [...noteChoices(universe, worlds, rows), ...absent],
    worlds,
    reason: (row) => reasons.map((found) => found.of(row)).find((reason) => reason !== undefined) ?? 'listed',
    streams: [...new Set(used.map(({ stream }) => stream))].sort(),
  }
}

function streamsOf({ listed, streams = [] }: ClosureRequest): string[] {
  const named = listed.filter(({ name }) => name.startsWith('@')).map(({ name }) => name.slice(1))
  return [...new Set([...streams, ...named])].filter((stream) => stream.includes(':')).sort()
}

function compareListed(a: ListedForClosure, b: ListedForClosure): number {
  const keyOf = ({ name, architecture, constraint }: ListedForClosure): string =>
    JSON.stringify([name, architecture, constraint?.operator, constraint?.version])
  return compareText(keyOf(a), keyOf(b))
}

const comparisons = { '=': '=', '>=': '>=', '<=': '<=', '>>': '>', '<<': '<' } satisfies Record<string, Comparison>

/** A package of that name; where there is none, what provides the name, or has the file. */
function rootOf(
  world: World,
  { entry, request, filter }: { entry: ListedForClosure; request: ClosureRequest; filter: ModuleFilter },
): ClosureRoot {
  const { universe } = world
  const { name, constraint, architecture } = entry
  const wanted: Capability =
    constraint === undefined
      ? { name }
      : { name, comparison: comparisons[constraint.operator], evr: parseEvr(constraint.version) }
  const isVisible = (row: number): boolean => world.isHere[row] === 1 && filter.hidden[row] === 0
  const fit = (rows: readonly number[]): readonly number[] =>
    fitArchitecture(universe, rows.filter(isVisible), architecture)
  const named = universe.rowsNamed(name)
  if (named.length === 0) return { listed: entry, candidates: fit(world.rowsOf(wanted)), count: 1 }
  const rows = Array.from(named).filter((row) => overlaps({ name, comparison: '=', evr: universe.evr(row) }, wanted))
  const fitting = fit(rows)
  const best = Math.min(...fitting.map((row) => world.preferenceOf(row)))
  const candidates = fitting.filter((row) => world.preferenceOf(row) === best)
  return { listed: entry, candidates, count: request.versions ?? 1 }
}

/** Those of noarch only where nothing is of the architecture itself. */
function fitArchitecture(universe: Universe, rows: readonly number[], wanted: string | undefined): readonly number[] {
  if (wanted === undefined) return rows
  const exact = rows.filter((row) => universe.architecture(row) === wanted)
  return exact.length > 0 ? exact : rows.filter((row) => universe.architectureOf[row] === noArchitecture)
}

/** Notes of what is wanted for one kind of machine less, when nothing stands against the closure. */
function refuseFailures(
  universe: Universe,
  {
    filter,
    worlds,
    listed,
  }: { filter: ModuleFilter; worlds: readonly WorldClosure[]; listed: readonly ListedForClosure[] },
): string[] {
  const tried = new Set(worlds.flatMap(({ roots, failures }) => [...roots, ...failures].map(({ root }) => root.listed)))
  const active = new Set(filter.active.filter(({ rows }) => rows.length > 0).map(({ stream }) => stream))
  const unknown = listed
    .filter((entry) => (entry.name.startsWith('@') ? !active.has(entry.name.slice(1)) : !tried.has(entry)))
    .map((entry) => explainUnknown(universe, filter, entry))
  const notes: string[] = []
  const unresolved = unknown.map(toUnresolved)
  for (const closure of worlds) {
    explainFailures(closure, closure.failures).forEach((explanation, place) => {
      const isElsewhere = isHadElsewhere(universe, worlds, closure.failures[place]!)
      if (isElsewhere) notes.push(`not for ${closure.world.machine.native}: ${explanation.message}`)
      else unresolved.push(toUnresolved(explanation))
    })
  }
  if (unresolved.length === 0) return notes
  const code = unknown.length > 0 ? 'PACKAGE_UNKNOWN' : 'CLOSURE_UNSATISFIABLE'
  throw unresolvedError(code, unresolved, 'an upstream or a stream of a module')
}

function toUnresolved({ listed, ...told }: Explanation): Unresolved {
  return { position: listed.position, ...told }
}

/** Packages for all architectures often need what only one of them has. */
function isHadElsewhere(universe: Universe, worlds: readonly WorldClosure[], { root }: Failure): boolean {
  if (universe.architectureOf[root.candidates[0]!] !== noArchitecture) return false
  return worlds.some(({ roots }) => roots.some((other) => other.root.listed === root.listed))
}

function sortRows(universe: Universe, worlds: readonly WorldClosure[]): Uint32Array {
  const rows = new Set(worlds.flatMap((world) => Array.from(world.rows)))
  const order = universe.nameOrder(rows)
  return Uint32Array.from(rows).sort(
    (a, b) =>
      order[universe.nameOf[a]!]! - order[universe.nameOf[b]!]! ||
      compareEvr(universe.evr(a), universe.evr(b)) ||
      compareText(universe.version(a), universe.version(b)) ||
      compareText(universe.architecture(a), universe.architecture(b)),
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
