import { multiArchOf, priorityOf, RelationField } from '../table/table-layout.ts'
import type { Atom, RelationOperator } from '../relation.ts'
import type { Universe } from '../universe.ts'
import { compareVersions, satisfies } from '../version.ts'
import { allArchitecture } from './join-tables.ts'

const worlds = new WeakMap<Universe, Map<string, World>>()

/** The universe as a machine of that architecture sees it; the same one each time. */
export function worldOf(universe: Universe, native: string): World {
  const known = worlds.get(universe) ?? new Map<string, World>()
  worlds.set(universe, known)
  const world = known.get(native) ?? new World(universe, native)
  known.set(native, world)
  return world
}

/**
 * The universe as a machine of one architecture sees it: which rows satisfy a relation, which rows one rules out.
 * Everything is worked out when it is first asked for, and kept.
 *
 * dpkg's rules: `all` counts as the machine's own architecture. A plain name is satisfied by the architecture of the
 * package that asks, or by any that is `Multi-Arch: foreign`; `name:any` by any that is `Multi-Arch: allowed`;
 * `name:arch` by that one. A versioned relation is satisfied by real versions and by versioned Provides only. A plain
 * name in Conflicts and Breaks means every architecture. No package rules out one of its own name in that way.
 */
export class World {
  readonly universe: Universe
  readonly native: string
  private readonly nativeId: number
  /** By architecture of who asks, then by clause. */
  private readonly satisfierMemo: (Uint32Array | undefined)[][] = []
  private readonly ruledOutMemo: (Uint32Array | undefined)[] = []

  constructor(universe: Universe, native: string) {
    this.universe = universe
    this.native = native
    this.nativeId = universe.architectures.indexOf(native) + 1
  }

  /** Whether the row is of this machine's architecture, or `all`. */
  isNative(row: number): boolean {
    return this.architectureOf(row) === this.nativeId
  }

  /**
   * Rows that satisfy a clause of `row`, the preferred first: alternatives in their order; of one alternative the
   * package of that name (highest version first), then those that provide it (by priority, then by name). Packages of
   * a foreign architecture come last of all.
   */
  satisfiers(clause: number, row: number): Uint32Array {
    const architecture = this.architectureOf(row)
    const memo = (this.satisfierMemo[architecture] ??= new Array<Uint32Array | undefined>(this.universe.clauseCount))
    return (memo[clause] ??= this.findSatisfiers(clause, architecture))
  }

  /** Rows that a clause of Conflicts or Breaks rules out, those of the package's own name included. */
  ruledOut(clause: number): Uint32Array {
    return (this.ruledOutMemo[clause] ??= this.findRuledOut(clause))
  }

  /** Whether both may be installed together as far as their name goes: only the same version, `Multi-Arch: same`. */
  isSameNameAllowed(a: number, b: number): boolean {
    const { flagsOf } = this.universe
    return (
      this.architectureOf(a) !== this.architectureOf(b) &&
      multiArchOf(flagsOf[a]!) === 'same' &&
      multiArchOf(flagsOf[b]!) === 'same' &&
      compareVersions(this.universe.version(a), this.universe.version(b)) === 0
    )
  }

  /** Calls back with every row that `row` itself rules out, until one answer is true. Answers whether one was. */
  someRuledOut(row: number, accept: (other: number, clause: number) => boolean): boolean {
    const first = this.universe.relationsAt(row)
    const { nameOf, relation, relationBounds } = this.universe
    const end = relationBounds[first + RelationField.breaks + 1]!
    for (let at = relationBounds[first + RelationField.conflicts]!; at < end; at++) {
      const clause = relation[at]!
      const others = this.ruledOut(clause)
      for (const other of others) if (nameOf[other] !== nameOf[row] && accept(other, clause)) return true
    }
    return false
  }

  private architectureOf(row: number): number {
    const architecture = this.universe.architectureOf[row]!
    return architecture === allArchitecture ? this.nativeId : architecture
  }

  private findSatisfiers(clause: number, architecture: number): Uint32Array {
    const own: number[] = []
    const foreign: number[] = []
    for (const atom of this.universe.atomsOf(clause) ?? []) this.addMatches(atom, architecture, own, foreign)
    const all = foreign.length === 0 ? own : own.concat(foreign)
    return Uint32Array.from(all.length < 2 ? all : new Set(all))
  }

  private addMatches(atom: Atom, architecture: number, own: number[], foreign: number[]): void {
    const { universe } = this
    const accept = (row: number): void => {
      if (this.fits(atom, row, architecture)) (this.architectureOf(row) === architecture ? own : foreign).push(row)
    }
    for (const row of universe.rowsNamed(atom.name)) if (isVersionOf(atom, universe.version(row))) accept(row)
    const providers = this.providersOf(atom)
    if (providers.length > 1) providers.sort((a, b) => this.compareProviders(a, b))
    for (const row of providers) accept(row)
  }

  private providersOf(atom: Atom): number[] {
    const pairs = this.universe.providersOf(atom.name)
    const rows: number[] = []
    for (let i = 0; i < pairs.length; i += 2) {
      const provided = this.universe.providedBy(pairs[i + 1]!)
      if (provided !== undefined && isVersionOf(atom, provided.version)) rows.push(pairs[i]!)
    }
    return rows
  }

  private fits({ architecture: wanted }: Atom, row: number, asker: number): boolean {
    const found = this.architectureOf(row)
    const multiArch = multiArchOf(this.universe.flagsOf[row]!)
    if (wanted === undefined) return found === asker || multiArch === 'foreign'
    if (wanted === 'any') return multiArch === 'allowed'
    if (wanted === 'native' || wanted === 'all') return found === this.nativeId
    return found === this.universe.architectures.indexOf(wanted) + 1
  }

  /** What a system needs more comes first; then names in code-unit order; then the better version. */
  private compareProviders(a: number, b: number): number {
    const { universe } = this
    const byPriority = priorityOf(universe.flagsOf[a]!) - priorityOf(universe.flagsOf[b]!)
    if (byPriority !== 0) return byPriority
    if (universe.nameOf[a] !== universe.nameOf[b]) return universe.name(a) < universe.name(b) ? -1 : 1
    return compareVersions(universe.version(b), universe.version(a)) || a - b
  }

  private findRuledOut(clause: number): Uint32Array {
    const { universe } = this
    const rows = new Set<number>()
    for (const atom of universe.atomsOf(clause) ?? []) {
      const accept = (row: number): void => {
        const { architecture: wanted } = atom
        if (wanted === undefined || wanted === 'any' || this.fits(atom, row, this.nativeId)) rows.add(row)
      }
      for (const row of universe.rowsNamed(atom.name)) if (isVersionOf(atom, universe.version(row))) accept(row)
      for (const row of this.providersOf(atom)) accept(row)
    }
    return rows.size === 0 ? none : Uint32Array.from(rows)
  }
}

const none = new Uint32Array(0)

/** Undefined stands for a name that is provided without a version. */
function isVersionOf({ operator, version: wanted }: Atom, version: string | undefined): boolean {
  if (operator === undefined || wanted === undefined) return true
  return version !== undefined && satisfies(version, operator satisfies RelationOperator, wanted)
}
