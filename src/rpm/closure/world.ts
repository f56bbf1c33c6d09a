import type { RelationName } from '../package-rows.ts'
import { type Capability, type Expression, isRich, overlaps } from '../relation.ts'
import type { Universe } from '../universe.ts'
import { compareEvr } from '../version.ts'
import { isSameColour, type Machine, machinesOf } from './architectures.ts'
import { type Condition, conditionsOf } from './requirement.ts'

const worlds = new WeakMap<Universe, World[]>()

/** The universe as each kind of machine of the mirror sees it; the same ones each time. */
export function worldsOf(universe: Universe): readonly World[] {
  let known = worlds.get(universe)
  if (known === undefined) {
    known = machinesOf(universe.architectures).map((machine) => new World(universe, machine))
    worlds.set(universe, known)
  }
  return known
}

/** One of rows, the preferred first; or the conditions of a rich dependency. */
export type Requirement = readonly number[] | { conditions: readonly Condition[] }

export function isPlain(requirement: Requirement): requirement is readonly number[] {
  return Array.isArray(requirement)
}

/**
 * The universe as one kind of machine sees it: which rows satisfy a dependency, which rows one rules out. Everything
 * is worked out when it is first asked for, and kept.
 */
export class World {
  readonly universe: Universe
  readonly machine: Machine
  /** 1 for rows that such a machine can install. */
  readonly isHere: Uint8Array
  /** By architecture of the universe: 0 is the machine's own, then those it runs besides. */
  private readonly preference: readonly number[]
  private readonly requirements = new Map<number, Requirement>()
  private readonly obsoleted = new Map<number, readonly number[]>()
  private readonly capabilities = new Map<string, readonly number[]>()
  private installOnly: Set<number> | undefined

  constructor(universe: Universe, machine: Machine) {
    this.universe = universe
    this.machine = machine
    const runs = [machine.native, ...machine.besides]
    this.preference = [0, ...universe.architectures.map((name) => runs.indexOf(name))]
    this.isHere = universe.isUsed.map((isUsed, row) =>
      isUsed === 1 && this.preference[universe.architectureOf[row]!]! >= 0 ? 1 : 0,
    )
  }

  /** 0 for the machine's own architecture and noarch, more for what it runs besides. */
  preferenceOf(row: number): number {
    return this.preference[this.universe.architectureOf[row]!]!
  }

  /** What a dependency asks for. Nothing satisfies a malformed one; rpm itself provides `rpmlib(…)`. */
  requirement(clause: number): Requirement {
    const known = this.requirements.get(clause)
    if (known !== undefined) return known
    const requirement = this.findRequirement(this.universe.expressionOf(clause))
    this.requirements.set(clause, requirement)
    return requirement
  }

  /** Rows that satisfy the positive parts of a dependency, the preferred first. */
  satisfiers(clause: number): readonly number[] {
    const requirement = this.requirement(clause)
    return isPlain(requirement) ? requirement : [...new Set(requirement.conditions.flatMap(rowsIn))]
  }

  /** What a clause of Conflicts asks for, of everything but the package that has it. */
  prohibition(clause: number): readonly Condition[] {
    const expression = this.universe.expressionOf(clause)
    if (expression === undefined) return []
    return conditionsOf(expression, false, (capability) => this.rowsOf(capability))
  }

  /** Rows that a clause of Obsoletes replaces: by the name of a package, not by what it provides. */
  replaced(clause: number): readonly number[] {
    const known = this.obsoleted.get(clause)
    if (known !== undefined) return known
    const rows = this.findReplaced(clause)
    this.obsoleted.set(clause, rows)
    return rows
  }

  /** Rows that have a capability, the preferred first. */
  rowsOf(capability: Capability): readonly number[] {
    const { name, comparison, evr } = capability
    const key = comparison === undefined ? name : `${name} ${comparison} ${evr!.epoch}:${evr!.version}-${evr!.release}`
    const known = this.capabilities.get(key)
    if (known !== undefined) return known
    const rows = this.findRows(capability)
    this.capabilities.set(key, rows)
    return rows
  }

  /** Whether both may be installed together as far as their name goes: rpm keeps 32 and 64 bits apart, and kernels. */
  isSameNameAllowed(a: number, b: number): boolean {
    this.installOnly ??= this.findInstallOnly()
    if (this.installOnly.has(a) || this.installOnly.has(b)) return true
    return !isSameColour(this.universe.architecture(a), this.universe.architecture(b))
  }

  private findRequirement(expression: Expression | undefined): Requirement {
    if (expression === undefined) return []
    if (!isRich(expression)) return expression.name.startsWith('rpmlib(') ? { conditions: [] } : this.rowsOf(expression)
    const conditions = conditionsOf(expression, true, (capability) => this.rowsOf(capability))
    const [only, ...others] = conditions
    const isSimple = only !== undefined && others.length + only.absent.length + only.nested.length === 0
    return isSimple ? only.rows : { conditions }
  }

  private findRows(wanted: Capability): readonly number[] {
    const { universe } = this
    const rows: number[] = []
    const pairs = universe.providersOf(wanted.name)
    for (let i = 0; i < pairs.length; i += 2) {
      const row = pairs[i]!
      if (this.isHere[row] === 0 || rows.at(-1) === row) continue
      const provided = universe.capabilityOf(pairs[i + 1]!)
      if (provided !== undefined && overlaps(provided, wanted)) rows.push(row)
    }
    if (wanted.name.startsWith('/') && wanted.comparison === undefined)
      for (const row of universe.ownersOf(wanted.name)) if (this.isHere[row] === 1) rows.push(row)
    if (rows.length < 2) return rows
    const distinct = [...new Set(rows)]
    return distinct.sort((a, b) => this.compareProviders(a, b, wanted.name))
  }

  /**
   * The machine's own architecture first; then the package of that name; of the others by upstream, then the shorter
   * name, then the first of the alphabet; and of one name the better version.
   */
  private compareProviders(a: number, b: number, wanted: string): number {
    const { universe } = this
    const byArchitecture = this.preferenceOf(a) - this.preferenceOf(b)
    if (byArchitecture !== 0) return byArchitecture
    if (universe.nameOf[a] === universe.nameOf[b]) return compareEvr(universe.evr(b), universe.evr(a)) || a - b
    const [first, second] = [universe.name(a), universe.name(b)]
    if (first === wanted || second === wanted) return first === wanted ? -1 : 1
    const byUpstream = this.rankOfName(a) - this.rankOfName(b)
    return byUpstream || first.length - second.length || (first < second ? -1 : 1)
  }

  /** Of all rows of a name, so that versions of it from several upstreams stay together. */
  private rankOfName(row: number): number {
    let rank = Infinity
    for (const other of this.universe.rowsOfName(this.universe.nameOf[row]!))
      rank = Math.min(rank, this.universe.member(other).rank)
    return rank
  }

  private findReplaced(clause: number): readonly number[] {
    const { universe } = this
    const wanted = universe.capabilityOf(clause)
    if (wanted === undefined) return []
    return Array.from(universe.rowsNamed(wanted.name)).filter((row) => {
      const own: Capability = { name: wanted.name, comparison: '=', evr: universe.evr(row) }
      return this.isHere[row] === 1 && overlaps(own, wanted)
    })
  }

  /** What dnf lets several versions of be installed. Source: dnf.conf(5), `installonlypkgs`. */
  private findInstallOnly(): Set<number> {
    const found = new Set<number>()
    for (const name of installOnlyNames) {
      const pairs = this.universe.providersOf(name)
      for (let i = 0; i < pairs.length; i += 2) found.add(pairs[i]!)
    }
    return found
  }
}

const installOnlyNames = [
  'kernel',
  'kernel-PAE',
  'installonlypkg(kernel)',
  'installonlypkg(kernel-module)',
  'installonlypkg(vm)',
  'multiversion(kernel)',
]

function rowsIn({ rows, nested }: Condition): readonly number[] {
  return nested.length === 0 ? rows : [...rows, ...nested.flat().flatMap(rowsIn)]
}

/** Clauses of one field of a row. */
export function clausesOf(universe: Universe, row: number, field: RelationName): readonly number[] {
  return universe.clausesOf(row, field)
}
