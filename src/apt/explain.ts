import { closest } from '../core/index.ts'
import { RelationField, relationFieldNames } from './table/table-layout.ts'
import type { ListedForClosure } from './closure/request.ts'
import type { FoundObstacle } from './closure/obstacle.ts'
import type { Failure, WorldClosure } from './closure/world-closure.ts'
import type { World } from './closure/world.ts'
import { type Atom, formatAtom } from './relation.ts'
import type { Universe } from './universe.ts'

/** What stands against a listed package, in words. */
export interface Explanation {
  listed: ListedForClosure | undefined
  message: string
  suggestion?: string
}

/** A chain longer than this is shortened in the middle. */
const maxChain = 8

/** Why a listed name has no candidate. */
export function explainUnknown(universe: Universe, listed: ListedForClosure): Explanation {
  const { name, constraint, architecture } = listed
  const rows = universe.rowsNamed(name)
  if (architecture !== undefined && !isCarried(universe, architecture)) {
    const carried = universe.architectures.join(', ')
    return { listed, message: `${name} is listed for ${architecture}, but the mirror is for ${carried}` }
  }
  if (rows.length > 0) {
    const asked = constraint === undefined ? name : `${name} (${constraint.operator} ${constraint.version})`
    const where = architecture === undefined ? '' : ` for ${architecture}`
    return { listed, message: `no upstream has ${asked}${where}: only ${listVersions(universe, rows)}` }
  }
  const providers = providerNames(universe, name)
  if (providers.length > 0) {
    const shown = providers.slice(0, 5).join(', ') + (providers.length > 5 ? ` and ${providers.length - 5} more` : '')
    return { listed, message: `${name} is virtual, provided by ${shown}: list one of them` }
  }
  const refused = refusedEntry(universe, name)
  if (refused !== undefined) return { listed, message: `${name} cannot be used: ${refused}` }
  const suggestion = closest(name, universe.packageNames())
  const message = `no upstream has a package ${name}`
  return suggestion === undefined ? { listed, message } : { listed, message, suggestion }
}

/** Whether a mirror has packages of an architecture; those for all it always has. */
export function isCarried({ architectures }: Universe, architecture: string): boolean {
  return architecture === 'all' || architectures.includes(architecture)
}

/** Why a root cannot be installed: `listed nginx → nginx-core (= 1.22) → libssl3 (>= 3.0.9): only 3.0.8 in …`. */
export function explainFailure(closure: WorldClosure, failure: Failure): Explanation {
  const { listed } = failure.root
  const prefix = listed === undefined ? 'base' : 'listed'
  const suffix = closure.world.universe.architectures.length > 1 ? ` (on ${closure.world.native})` : ''
  return { listed, message: `${prefix} ${describeFailure(closure, failure)}${suffix}` }
}

/** `nginx → libssl3 (>= 3.0.9): only 3.0.8 in upstream debian`; or two chains that end in packages which exclude each other. */
export function describeObstacle(world: World, { chains, found }: FoundObstacle): string {
  const { universe } = world
  const [first, second] = chains.map((chain) => describeChain(world, chain))
  if (found.kind === 'missing')
    return `${first} → ${universe.clauseText(found.clause)}: ${whatIsThere(world, found.clause)}`
  if (found.clause === undefined) return `${first} and ${second}: two versions of one package`
  const own = world.ruledOut(found.clause).includes(found.other)
    ? excludingField(universe, found.row, found.clause)
    : undefined
  const [owner, victim] = own === undefined ? [found.other, found.row] : [found.row, found.other]
  const field = own ?? excludingField(universe, owner, found.clause) ?? 'Conflicts'
  const ends = [`${universe.name(owner)} ${field} ${universe.clauseText(found.clause)}`, universe.describe(victim)]
  return `${first}, but ${second}: ${ends[0]}, and ${ends[1]} is that`
}

function describeFailure(closure: WorldClosure, { root, kind, obstacle }: Failure): string {
  const { world } = closure
  const row = root.candidates[0]!
  if (kind === 'barred') return describeBarred(closure, root.profile, row)
  const told = obstacle === undefined ? world.universe.describe(row) : describeObstacle(world, obstacle)
  return kind === 'conflict' ? told : `${told} (the search for another way was given up)`
}

/** Follows, from a barred row, the first thing that is missing at each step. */
export function describeBarred({ world, profiles }: WorldClosure, profile: number, root: number): string {
  const { universe } = world
  const { unsatisfied, excluded } = profiles.all[profile]!
  const steps = [universe.name(root)]
  const seen = new Set<number>()
  for (let row = root; !seen.has(row);) {
    seen.add(row)
    const clause = unsatisfied.get(row)
    if (clause === undefined) {
      if (excluded.has(universe.name(row))) return `${shorten(steps).join(' → ')}: excluded`
      break
    }
    steps.push(universe.clauseText(clause))
    const satisfiers = world.satisfiers(clause, row)
    const next = satisfiers.find((satisfier) => !seen.has(satisfier))
    if (next === undefined) return `${shorten(steps).join(' → ')}: ${whatIsThere(world, clause)}`
    row = next
  }
  return `${shorten(steps).join(' → ')}: cannot be installed`
}

function describeChain(world: World, chain: readonly number[]): string {
  const { universe } = world
  const steps = chain.map((row, i) => (i === 0 ? universe.name(row) : linkBetween(world, chain[i - 1]!, row)))
  return shorten(steps).join(' → ')
}

/** The relation by which one row needs another. */
function linkBetween(world: World, asker: number, row: number): string {
  const { universe } = world
  const first = universe.relationsAt(asker)
  const { relation, relationBounds } = universe
  for (let at = relationBounds[first]!; at < relationBounds[first + 2]!; at++)
    if (world.satisfiers(relation[at]!, asker).includes(row)) return universe.clauseText(relation[at]!)
  return universe.name(row)
}

/** Of each alternative of a clause that nothing satisfies, what there is in its place. */
function whatIsThere(world: World, clause: number): string {
  const atoms = world.universe.atomsOf(clause)
  if (atoms === undefined) return 'malformed, so nothing satisfies it'
  const parts = atoms.map((atom) => (atoms.length > 1 ? `${formatAtom(atom)}: ` : '') + whatIsThereOf(world, atom))
  return parts.join('; ')
}

function whatIsThereOf({ universe, native }: World, atom: Atom): string {
  const rows = universe.rowsNamed(atom.name)
  const here = rows.filter((row) => fitsNative(universe, row, native))
  if (here.length > 0) {
    const fault = atom.architecture === 'any' ? ', not Multi-Arch: allowed' : ''
    return `only ${listVersions(universe, here)}${fault}`
  }
  if (rows.length > 0) return `only ${listVersions(universe, rows)}, for ${architecturesOf(universe, rows)}`
  const providers = providerNames(universe, atom.name)
  if (providers.length > 0) return `only provided without a fitting version, by ${providers.slice(0, 3).join(', ')}`
  const refused = refusedEntry(universe, atom.name)
  return refused ?? `no upstream has it`
}

function fitsNative(universe: Universe, row: number, native: string): boolean {
  const architecture = universe.architecture(row)
  return architecture === 'all' || architecture === native
}

/** `3.0.8 in upstream debian, 3.0.7 in upstream ours` */
function listVersions(universe: Universe, rows: Iterable<number>): string {
  const all = [
    ...new Set(Array.from(rows, (row) => `${universe.version(row)} in upstream ${universe.member(row).upstream}`)),
  ]
  return all.slice(0, 4).join(', ') + (all.length > 4 ? ` and ${all.length - 4} more` : '')
}

function architecturesOf(universe: Universe, rows: Iterable<number>): string {
  return [...new Set(Array.from(rows, (row) => universe.architecture(row)))].join(', ')
}

function providerNames(universe: Universe, name: string): string[] {
  const pairs = universe.providersOf(name)
  const names = new Set<string>()
  for (let i = 0; i < pairs.length; i += 2) names.add(universe.name(pairs[i]!))
  return [...names].sort()
}

/** An entry that was there, but could not be used. */
function refusedEntry(universe: Universe, name: string): string | undefined {
  for (const { index, upstream } of universe.members) {
    const entry = index.excluded.find((excluded) => excluded.package === name)
    if (entry !== undefined) return `its entry in upstream ${upstream} (line ${entry.line}) is refused: ${entry.reason}`
  }
  return undefined
}

/** Conflicts or Breaks, whichever of a row has the clause: it may well need the same in another field. */
function excludingField(universe: Universe, row: number, clause: number): string | undefined {
  const first = universe.relationsAt(row)
  const { relation, relationBounds } = universe
  const field = [RelationField.conflicts, RelationField.breaks].find((field) =>
    relation.subarray(relationBounds[first + field], relationBounds[first + field + 1]).includes(clause),
  )
  return field && relationFieldNames[field]
}

function shorten(steps: string[]): string[] {
  if (steps.length <= maxChain) return steps
  return [...steps.slice(0, 4), `… ${steps.length - 7} more …`, ...steps.slice(-3)]
}
