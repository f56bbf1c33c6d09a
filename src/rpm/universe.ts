import { Expressions } from './closure/expressions.ts'
import { FileOwners, ListedFiles, rowsOfOwners } from './closure/file-owners.ts'
import { joinRows, type JoinedRows } from './closure/join-rows.ts'
import { type Disagreement, groupByName, type NameGroups } from './closure/name-groups.ts'
import { placesOf } from './closure/name-order.ts'
import { RowRelations } from './closure/row-relations.ts'
import type { Checksum, PackageRows, RelationName } from './package-rows.ts'
import { type Capability, type Expression, isRich } from './relation.ts'
import { type Evr, parseEvr } from './version.ts'

/** An index with what the mirror knows about where it came from. */
export interface UniverseMember {
  index: PackageRows
  /** Name in larder.yaml. */
  upstream: string
  /** Place of the upstream in the mirror's order of preference: 0 is the first. */
  rank: number
}

/** A package of the universe, as plans and snapshots show it. */
export interface UniversePackage {
  name: string
  /** `2.0-3.el9`; the epoch only where it is not 0. */
  version: string
  architecture: string
  sizeBytes: number
  /** Path below the address of the upstream, or below `baseUrl`. */
  location: string
  baseUrl: string | undefined
  checksum: Checksum
  /** File name of the source package, '' for none. */
  sourceRpm: string
  upstream: string
}

/**
 * The indices of all upstreams of a mirror, together. A package is a row, a number from 0. What is worked out about
 * relations is kept, so a universe that has been asked before answers faster, and never otherwise.
 *
 * Of one name, the highest EVR comes first whatever upstream has it; between equal ones the upstream named first wins.
 */
export class Universe {
  readonly members: readonly UniverseMember[]
  /** Of the mirror, without `noarch`. */
  readonly architectures: readonly string[]
  readonly rowCount: number
  readonly nameOf: Uint32Array
  /** See `noArchitecture`; 255 is one that the mirror does not carry. */
  readonly architectureOf: Uint8Array
  /** 1 for rows that count: of the mirror's architectures, and of a file that several upstreams have, the first. */
  readonly isUsed: Uint8Array
  private readonly joined: JoinedRows
  private readonly relations: RowRelations
  private readonly groups: NameGroups
  private readonly files: FileOwners
  private readonly fileRows: ReadonlyMap<string, readonly number[]>
  private order: Uint32Array | undefined
  private readonly versions: (string | undefined)[]
  private readonly evrs: (Evr | undefined)[]
  private readonly expressions: Expressions

  /**
   * `architectures`: of the mirror; rows of others are not used, those of `noarch` always are. At most 253.
   * `known`: see withFileOwners.
   */
  constructor(
    members: readonly UniverseMember[],
    architectures: readonly string[],
    known?: { universe: Universe; owners: ReadonlyMap<string, readonly string[]> },
  ) {
    if (architectures.length > 253 || members.length > 255) throw new RangeError('too many indices')
    this.members = [...members].sort((a, b) => a.rank - b.rank)
    this.architectures = architectures.filter((name) => name !== 'noarch')
    const indices = this.members.map(({ index }) => index)
    this.relations = known ? known.universe.relations : new RowRelations(indices, joinRows(indices, this.architectures))
    const { joined } = this.relations
    this.joined = joined
    this.rowCount = joined.nameOf.length
    this.nameOf = joined.nameOf
    this.architectureOf = joined.architectureOf
    this.versions = known?.universe.versions ?? new Array<string | undefined>(this.rowCount)
    this.evrs = known?.universe.evrs ?? new Array<Evr | undefined>(this.rowCount)
    this.expressions = known?.universe.expressions ?? new Expressions((clause) => this.clauseText(clause))
    this.groups = known?.universe.groups ?? groupByName(this, joined)
    this.isUsed = this.groups.isUsed
    const { rowBase } = joined
    this.fileRows = rowsOfOwners(indices, { rowBase, isUsed: this.isUsed }, known?.owners)
    this.files = (known?.universe.files ?? new FileOwners(new ListedFiles(indices, rowBase))).withKnown(this.fileRows)
  }

  get disagreements(): readonly Disagreement[] {
    return this.groups.disagreements
  }

  /**
   * Paths that something asked for, that nothing known has, and that only filelists.xml can tell of. Grows while
   * closures are worked out, also where one fails: load what it names, and ask again of `withFileOwners`.
   */
  missingFiles(): ReadonlySet<string> {
    return this.files.missing
  }

  /**
   * The same universe, that knows more: by path, the checksums (pkgid) of the packages that have it. A path without
   * packages is one that nothing has. Keeps what it was told before.
   */
  withFileOwners(owners: ReadonlyMap<string, readonly string[]>): Universe {
    const all = new Map(owners)
    for (const [path, rows] of this.fileRows)
      all.set(path, [...(owners.get(path) ?? []), ...rows.map((row) => this.checksumOf(row))])
    return new Universe(this.members, this.architectures, { universe: this, owners: all })
  }

  /** Rows of a name, best first. Empty for a name that nothing has. */
  rowsNamed(name: string): Uint32Array {
    return this.groups.rowsOf(this.joined.nameIds.get(name) ?? -1)
  }

  rowsOfName(id: number): Uint32Array {
    return this.groups.rowsOf(id)
  }

  /** Rows that provide a name, with the clause that says so: pairs of row and clause. */
  providersOf(name: string): Uint32Array {
    return this.groups.providersOf(this.joined.nameIds.get(name) ?? -1)
  }

  /** Rows that have a file of that path. */
  ownersOf(path: string): number[] {
    return this.files.rowsWith(path).filter((row) => this.isUsed[row] === 1)
  }

  /** Paths that a row is known to have: of primary.xml, and of what was asked of filelists.xml. */
  filesOf(row: number): string[] {
    return this.files.pathsOf(row)
  }

  /** Names that packages have. */
  *packageNames(): Generator<string> {
    const { names } = this.joined
    for (let id = 0; id < names.length; id++) if (this.groups.countOf(id) > 0) yield names[id]!
  }

  /**
   * By number of a name, its place in code-unit order: among the names of these rows, at least. All names take longer
   * to sort than a closure of some hundred packages takes to find.
   */
  nameOrder(rows: ReadonlySet<number>): Uint32Array {
    if (this.order !== undefined) return this.order
    const { names } = this.joined
    if (rows.size * 8 < names.length) return placesOf(names, new Set(Array.from(rows, (row) => this.nameOf[row]!)))
    this.order = placesOf(names, names.keys())
    return this.order
  }

  name(row: number): string {
    return this.joined.names[this.nameOf[row]!]!
  }

  /** `2.0-3.el9`, with the epoch where it is not 0. */
  version(row: number): string {
    return (this.versions[row] ??= this.indexOf(row).word(this.indexOf(row).evrOf[this.localRow(row)]!))
  }

  evr(row: number): Evr {
    return (this.evrs[row] ??= parseEvr(this.version(row)))
  }

  architecture(row: number): string {
    return this.indexOf(row).word(this.indexOf(row).architectureOf[this.localRow(row)]!)
  }

  /** `nginx-1.22.1-9.el9`; with the architecture when the mirror carries several. */
  describe(row: number): string {
    const qualifier = this.architectures.length > 1 ? `.${this.architecture(row)}` : ''
    return `${this.name(row)}-${this.version(row)}${qualifier}`
  }

  member(row: number): UniverseMember {
    return this.members[this.joined.memberOf[row]!]!
  }

  packageOf(row: number): UniversePackage {
    const { index, upstream } = this.member(row)
    const local = this.localRow(row)
    return {
      name: this.name(row),
      version: this.version(row),
      architecture: this.architecture(row),
      sizeBytes: index.sizeBytesOf[local]!,
      location: index.location(local),
      baseUrl: index.baseUrl(local),
      checksum: index.checksum(local),
      sourceRpm: index.sourceRpm(local),
      upstream,
    }
  }

  checksumOf(row: number): string {
    return this.indexOf(row).checksum(this.localRow(row)).hex
  }

  /** Byte for byte, see PackageRows. */
  fragment(row: number): Buffer {
    return this.indexOf(row).fragment(this.localRow(row))
  }

  /** Names the bytes of a row's fragment: changes at least whenever they do. */
  identity(row: number): string {
    return `${this.indexOf(row).key}:${this.localRow(row)}`
  }

  /** Whether both rows are the same file, as far as their checksums can tell. */
  isSameFile(a: number, b: number): boolean {
    const first = this.indexOf(a).checksum(this.localRow(a))
    const second = this.indexOf(b).checksum(this.localRow(b))
    if (first.type === second.type) return first.hex === second.hex
    return this.indexOf(a).sizeBytesOf[this.localRow(a)] === this.indexOf(b).sizeBytesOf[this.localRow(b)]
  }

  /** Clauses of one field of a row. */
  clausesOf(row: number, field: RelationName): readonly number[] {
    return this.relations.clausesOf(row, field)
  }

  clauseText(clause: number): string {
    return this.relations.clauseText(clause)
  }

  /** What a clause says; undefined when it is malformed. */
  expressionOf(clause: number): Expression | undefined {
    return this.expressions.of(clause)
  }

  /** What a clause of Provides or Obsoletes says; undefined when it is malformed. */
  capabilityOf(clause: number): Capability | undefined {
    const expression = this.expressionOf(clause)
    return expression === undefined || isRich(expression) ? undefined : expression
  }

  private indexOf(row: number): PackageRows {
    return this.members[this.joined.memberOf[row]!]!.index
  }

  private localRow(row: number): number {
    return row - this.joined.rowBase[this.joined.memberOf[row]!]!
  }
}
