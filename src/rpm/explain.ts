import { closest } from '../core/index.ts'
import type { Scope } from './closure/encoding.ts'
import { Obstacles, type Obstacle } from './closure/obstacle.ts'
import { barredRows, type Profile } from './closure/profiles.ts'
import type { ListedForClosure } from './closure/request.ts'
import type { Failure, WorldClosure } from './closure/world-closure.ts'
import { clausesOf, isPlain, type World } from './closure/world.ts'
import type { ModuleFilter } from './module-filter.ts'
import { type Capability, type Expression, formatDependency, isRich } from './relation.ts'
import type { Universe } from './universe.ts'

/** What stands against a listed package, in words. */
export interface Explanation {
  listed: ListedForClosure
  message: string
  suggestion?: string
}

/** A chain longer than this is shortened in the middle. */
const maxChain = 8

/** Why a listed name has no candidate. */
export function explainUnknown(universe: Universe, filter: ModuleFilter, listed: ListedForClosure): Explanation {
  const { name, constraint, architecture } = listed
  if (name.startsWith('@')) return explainStream(filter, listed)
  const rows = universe.rowsNamed(name)
  const visible = rows.filter((row) => filter.hidden[row] === 0)
  const streams = filter.streamsWith(name)
  const carried = universe.architectures
  if (architecture !== undefined && architecture !== 'noarch' && !carried.includes(architecture))
    return { listed, message: `${name} is listed for ${architecture}, but the mirror is for ${carried.join(', ')}` }
  if (visible.length === 0 && rows.length > 0 && streams.length > 0) {
    const message = `${name} is only in streams of modules that are not active: ${streams.join(', ')}; write modules: [${streams.at(-1)!}] in the mirror, or list @${streams.at(-1)!}`
    return { listed, message }
  }
  if (rows.length > 0) {
    const asked = constraint === undefined ? name : `${name} (${constraint.operator} ${constraint.version})`
    const where = architecture === undefined ? '' : ` for ${architecture}`
    const there = visible.length > 0 ? visible : rows
    return { listed, message: `no upstream has ${asked}${where}: only ${listVersions(universe, there)}` }
  }
  if (name.startsWith('/')) return { listed, message: `no package of any upstream has the file ${name}` }
  const providers = providerNames(universe, name)
  if (providers.length > 0) {
    const message = `${name} is provided in other versions, or for other architectures, by ${some(providers, 5)}`
    return { listed, message }
  }
  const suggestion = closest(name, universe.packageNames())
  const message = `no upstream has a package ${name}`
  return suggestion === undefined ? { listed, message } : { listed, message, suggestion }
}

function explainStream({ streams }: ModuleFilter, listed: ListedForClosure): Explanation {
  const stream = listed.name.slice(1)
  const module = stream.slice(0, stream.indexOf(':') + 1)
  const others = streams.filter((other) => module !== '' && other.startsWith(module))
  if (streams.includes(stream)) return { listed, message: `no upstream has packages of the module ${stream}` }
  if (others.length > 0) return { listed, message: `no upstream has the module ${stream}: only ${some(others, 5)}` }
  const suggestion = closest(
    listed.name,
    streams.map((other) => `@${other}`),
  )
  const message = `no upstream has the module ${stream}`
  return suggestion === undefined ? { listed, message } : { listed, message, suggestion }
}

/** Why roots cannot be installed: `listed nginx cannot be satisfied because nginx → openssl-libs >= 3.0: only …`. */
export function explainFailures(closure: WorldClosure, failures: readonly Failure[]): Explanation[] {
  const { universe, machine } = closure.world
  const suffix = universe.architectures.length > 1 ? ` (on ${machine.native})` : ''
  const obstacles = obstaclesOf(closure, failures)
  return failures.map(({ root, profile, verdict }) => {
    const row = root.candidates[0]!
    const reason = describeObstacle(closure.world, {
      row,
      obstacle: obstacles.get(profile.key)!.of(row),
      filter: closure.filter,
    })
    const rest = verdict === 'unknown' ? ' (the search for another way was given up)' : ''
    const message = `listed ${root.listed.name} cannot be satisfied because ${reason}${rest}${suffix}`
    return { listed: root.listed, message }
  })
}

/** Obstacles by key of the profile. */
export function obstaclesOf(
  { world, filter }: WorldClosure,
  failed: readonly { root: { candidates: readonly number[] }; profile: Profile }[],
): Map<string, Obstacles> {
  const byProfile = Map.groupBy(failed, ({ profile }) => profile.key)
  return new Map(
    [...byProfile].map(([key, some]) => {
      const isBarred = barredRows(world.universe, some[0]!.profile, filter.hidden)
      const scope: Scope = { world, isAllowed: (row) => isBarred[row] === 0 && world.isHere[row] === 1 }
      return [
        key,
        new Obstacles(
          scope,
          some.map(({ root }) => root.candidates[0]!),
        ),
      ]
    }),
  )
}

/** `nginx → openssl-libs >= 3.0: only 1.1 in upstream base`; or two chains that end in what excludes each other. */
export function describeObstacle(
  world: World,
  { row, obstacle, filter }: { row: number; obstacle: Obstacle | undefined; filter?: ModuleFilter },
): string {
  const { universe } = world
  if (obstacle === undefined) return `what ${universe.describe(row)} needs excludes itself`
  if (obstacle.kind === 'excluded') return `${universe.name(row)} is excluded`
  if (obstacle.kind === 'missing') {
    const { chain, clause } = obstacle
    const requirement = world.requirement(clause)
    const satisfiers = isPlain(requirement) ? requirement.map((other) => universe.describe(other)) : []
    const there =
      satisfiers.length > 0
        ? `only ${some(satisfiers, 3)}, which is ${whyLeftOut(world, clause, filter)}`
        : whatIsThere(world, universe.expressionOf(clause))
    return `${describeChain(world, chain, clause)}: ${there}`
  }
  const { chains, field, clause } = obstacle
  const [first, second] = chains.map((chain) => describeChain(world, chain))
  const [a, b] = chains.map((chain) => chain.at(-1)!) as [number, number]
  if (field === undefined) {
    const versions = `${universe.describe(a)} and ${universe.describe(b)} cannot be installed together`
    return `${first!}, but ${second!}: ${versions}`
  }
  return `${first!}, but ${second!}: ${universe.name(a)} ${field} ${universe.clauseText(clause!)}, and ${universe.describe(b)} is that`
}

function whyLeftOut(world: World, clause: number, filter: ModuleFilter | undefined): string {
  const hidden = world.satisfiers(clause).filter((row) => filter?.hidden[row] === 1)
  const streams = [...new Set(hidden.flatMap((row) => filter?.streamsWith(world.universe.name(row)) ?? []))]
  return streams.length === 0 ? 'left out' : `in a stream of a module that is not active: ${some(streams, 3)}`
}

function describeChain(world: World, chain: readonly number[], last?: number): string {
  const { universe } = world
  const steps = chain.map((row, i) => (i === 0 ? universe.name(row) : linkBetween(world, chain[i - 1]!, row)))
  if (last !== undefined) steps.push(universe.clauseText(last))
  return shorten(steps).join(' → ')
}

/** The dependency by which one row needs another. */
function linkBetween(world: World, asker: number, row: number): string {
  const { universe } = world
  for (const clause of clausesOf(universe, asker, 'requires'))
    if (world.satisfiers(clause).includes(row)) return universe.clauseText(clause)
  return universe.name(row)
}

/** In place of a dependency that nothing satisfies, what there is. */
function whatIsThere(world: World, expression: Expression | undefined): string {
  if (expression === undefined) return 'malformed, so nothing satisfies it'
  if (!isRich(expression)) return whatIsThereOf(world, expression)
  const atoms = atomsOf(expression).filter((atom) => world.rowsOf(atom).length === 0)
  const parts = atoms.map((atom) => `${formatDependency(atom)}: ${whatIsThereOf(world, atom)}`)
  return parts.length === 0 ? 'nothing satisfies it' : parts.join('; ')
}

function atomsOf(expression: Expression): Capability[] {
  return isRich(expression) ? expression.operands.flatMap(atomsOf) : [expression]
}

function whatIsThereOf({ universe, isHere }: World, atom: Capability): string {
  const rows = universe.rowsNamed(atom.name)
  const here = rows.filter((row) => isHere[row] === 1)
  if (here.length > 0) return `only ${listVersions(universe, here)}`
  if (rows.length > 0) return `only ${listVersions(universe, rows)}, for ${architecturesOf(universe, rows)}`
  const providers = providerNames(universe, atom.name)
  if (providers.length > 0) return `only provided in other versions, by ${some(providers, 3)}`
  return atom.name.startsWith('/') ? 'no upstream has a package with that file' : 'no upstream has it'
}

/** `3.0.8 in upstream base, 3.0.7 in upstream ours` */
function listVersions(universe: Universe, rows: Iterable<number>): string {
  const all = Array.from(rows, (row) => `${universe.version(row)} in upstream ${universe.member(row).upstream}`)
  return some([...new Set(all)], 4)
}

function some(all: readonly string[], limit: number): string {
  return all.slice(0, limit).join(', ') + (all.length > limit ? ` and ${all.length - limit} more` : '')
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

function shorten(steps: string[]): string[] {
  if (steps.length <= maxChain) return steps
  return [...steps.slice(0, 4), `… ${steps.length - 7} more …`, ...steps.slice(-3)]
}
