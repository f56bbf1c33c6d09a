import { isLarderError } from '../core/index.ts'
import { joinTables } from './closure/join-tables.ts'
import { type Disagreement, groupByName, type NameGroups } from './closure/name-groups.ts'
import { multiArchOf, type MultiArch, priorityNames, priorityOf, type Priority, RowFlag } from './table/table-layout.ts'
import { NameOrder } from './name-order.ts'
import type { PackageIndex } from './package-index.ts'
import { type Atom, parseProvides, parseRelations, type Provided } from './relation.ts'

/** An index with what the mirror knows about where it came from. */
export interface UniverseMember {
  index: PackageIndex
  /** Name in larder.yaml. */
  upstream: string
  /** Place of the upstream in the mirror's order of preference: 0 is the first. */
  rank: number
  suite: string
  component: string
}

/** A package of the universe, as plans and snapshots show it. */
export interface UniversePackage {
  name: string
  version: string
  architecture: string
  sizeBytes: number
  installedSizeKiB: number
  /** Path below the address of the upstream's archive. */
  filename: string
  /** Hex; at least one of the two is there. */
  sha256?: string
  sha512?: string
  /** Hex: finds the translated description. */
  descriptionMd5?: string
  source: { name: string; version: string }
  upstream: string
  suite: string
  component: string
  essential: boolean
  priority: Priority
  multiArch: MultiArch
}

/**
 * The indices of all upstreams of a mirror, together. A package is a row, a number from 0. What is worked out about
 * relations is kept, so a universe that has been asked before answers faster, and never otherwise.
 *
 * Of one name, the highest version comes first whatever upstream or suite has it, so that a security suite beats the
 * release and a backport beats both; between equal versions the upstream named first wins. That is apt with equal pins.
 */
export class Universe {
  readonly members: readonly UniverseMember[]
  readonly architectures: readonly string[]
  readonly rowCount: number
  readonly nameOf: Uint32Array
  /** See `allArchitecture`; 255 is one that the mirror does not carry. */
  readonly architectureOf: Uint8Array
  readonly flagsOf: Uint16Array
  /** rows × 5 + 1, see RelationField. */
  readonly relationStart: Uint32Array
  /** Clauses of all rows; numbers are of the universe. */
  readonly relation: Uint32Array
  readonly clauseCount: number
  private readonly memberOf: Uint8Array
  private readonly rowBase: readonly number[]
  private readonly clauseBase: readonly number[]
  private readonly names: readonly string[]
  private readonly nameIds: ReadonlyMap<string, number>
  private readonly groups: NameGroups
  private order: NameOrder | undefined
  private readonly versions: (string | undefined)[]
  private readonly atoms: (readonly Atom[] | null | undefined)[] = []
  private readonly provided: (Provided | null | undefined)[] = []

  /** `architectures`: of the mirror, without `all`; rows of others are not used. At most 253. */
  constructor(members: readonly UniverseMember[], architectures: readonly string[]) {
    if (architectures.length > 253 || members.length > 255) throw new RangeError('too many indices')
    this.members = [...members].sort((a, b) => a.rank - b.rank)
    this.architectures = architectures.filter((name) => name !== 'all')
    const indices = this.members.map(({ index }) => index)
    const tables = joinTables(indices, this.architectures)
    this.rowCount = tables.nameOf.length
    this.clauseCount = tables.clauseCount
    this.nameOf = tables.nameOf
    this.architectureOf = tables.architectureOf
    this.flagsOf = tables.flagsOf
    this.memberOf = tables.memberOf
    this.relationStart = tables.relationStart
    this.relation = tables.relation
    this.rowBase = tables.rowBase
    this.clauseBase = tables.clauseBase
    this.names = tables.names
    this.nameIds = tables.nameIds
    this.versions = new Array<string | undefined>(this.rowCount)
    this.groups = groupByName(this, this.names.length, tables.provides)
  }

  get disagreements(): readonly Disagreement[] {
    return this.groups.disagreements
  }

  /** Rows of a name, best first. Empty for a name that nothing has. */
  rowsNamed(name: string): Uint32Array {
    return this.groups.rowsOf(this.nameIds.get(name) ?? -1)
  }

  rowsOfName(id: number): Uint32Array {
    return this.groups.rowsOf(id)
  }

  rowCountOfName(id: number): number {
    return this.groups.countOf(id)
  }

  /** Rows that provide a name, with the clause that says so: pairs of row and clause. */
  providersOf(name: string): Uint32Array {
    return this.groups.providersOf(this.nameIds.get(name) ?? -1)
  }

  /** Names that packages have. */
  *packageNames(): Generator<string> {
    for (let id = 0; id < this.names.length; id++) if (this.groups.countOf(id) > 0) yield this.names[id]!
  }

  /** By number of a name, its place in code-unit order: among the names of these rows, at least. */
  nameOrder(rows: Uint32Array): Uint32Array {
    return (this.order ??= new NameOrder(this.names)).of(rows, this.nameOf)
  }

  name(row: number): string {
    return this.names[this.nameOf[row]!]!
  }

  version(row: number): string {
    return (this.versions[row] ??= this.indexOf(row).word(this.indexOf(row).columns.version[this.localRow(row)]!))
  }

  architecture(row: number): string {
    return this.indexOf(row).word(this.indexOf(row).columns.architecture[this.localRow(row)]!)
  }

  /** `nginx 1.22.1-9`; with the architecture when the mirror carries several. */
  describe(row: number): string {
    const qualifier = this.architectures.length > 1 ? `:${this.architecture(row)}` : ''
    return `${this.name(row)}${qualifier} ${this.version(row)}`
  }

  member(row: number): UniverseMember {
    return this.members[this.memberOf[row]!]!
  }

  packageOf(row: number): UniversePackage {
    const { index, upstream, suite, component } = this.member(row)
    const { columns, heaps } = index
    const local = this.localRow(row)
    const flags = this.flagsOf[row]!
    const hash = (heap: Buffer, bytes: number): string => heap.toString('hex', local * bytes, (local + 1) * bytes)
    return {
      name: this.name(row),
      version: this.version(row),
      architecture: this.architecture(row),
      sizeBytes: columns.sizeBytes[local]!,
      installedSizeKiB: columns.installedSizeKiB[local]!,
      filename: index.pathOf(local),
      ...(flags & RowFlag.hasSha256 ? { sha256: hash(heaps.sha256, 32) } : {}),
      ...(flags & RowFlag.hasSha512 ? { sha512: hash(heaps.sha512, 64) } : {}),
      ...(flags & RowFlag.hasDescriptionMd5 ? { descriptionMd5: hash(heaps.descriptionMd5, 16) } : {}),
      source: { name: index.word(columns.sourceName[local]!), version: index.word(columns.sourceVersion[local]!) },
      upstream,
      suite,
      component,
      essential: (flags & RowFlag.essential) !== 0,
      priority: priorityNames[priorityOf(flags)]!,
      multiArch: multiArchOf(flags),
    }
  }

  /**
   * The stanza byte for byte, without the empty line that ends it.
   *
   * @throws CACHE_DAMAGED
   */
  stanza(row: number): Buffer {
    return this.indexOf(row).stanza(this.localRow(row))
  }

  /** Names the bytes of a row's stanza: changes at least whenever they do. */
  identity(row: number): string {
    return `${this.indexOf(row).key}:${this.localRow(row)}`
  }

  /** Whether both rows are the same file, as far as the hashes that both promise can tell. */
  isSameFile(a: number, b: number): boolean {
    const indexA = this.indexOf(a)
    const indexB = this.indexOf(b)
    const localA = this.localRow(a)
    const localB = this.localRow(b)
    const both = this.flagsOf[a]! & this.flagsOf[b]!
    const isSame = (left: Buffer, right: Buffer, bytes: number): boolean =>
      left.compare(right, localB * bytes, (localB + 1) * bytes, localA * bytes, (localA + 1) * bytes) === 0
    if (both & RowFlag.hasSha256) return isSame(indexA.heaps.sha256, indexB.heaps.sha256, 32)
    if (both & RowFlag.hasSha512) return isSame(indexA.heaps.sha512, indexB.heaps.sha512, 64)
    return indexA.columns.sizeBytes[localA] === indexB.columns.sizeBytes[localB]
  }

  clauseText(clause: number): string {
    let member = this.clauseBase.length - 1
    while (clause < this.clauseBase[member]!) member--
    return this.members[member]!.index.clause(clause - this.clauseBase[member]!)
  }

  /** The alternatives of a clause; undefined when it is malformed. */
  atomsOf(clause: number): readonly Atom[] | undefined {
    const known = this.atoms[clause]
    if (known !== undefined) return known ?? undefined
    const parsed = tryParse(() => parseRelations(this.clauseText(clause))[0])
    this.atoms[clause] = parsed ?? null
    return parsed
  }

  /** What a clause of a Provides field says; undefined when it is malformed. */
  providedBy(clause: number): Provided | undefined {
    const known = this.provided[clause]
    if (known !== undefined) return known ?? undefined
    const parsed = tryParse(() => parseProvides(this.clauseText(clause))[0])
    this.provided[clause] = parsed ?? null
    return parsed
  }

  private indexOf(row: number): PackageIndex {
    return this.members[this.memberOf[row]!]!.index
  }

  private localRow(row: number): number {
    return row - this.rowBase[this.memberOf[row]!]!
  }
}

function tryParse<Parsed>(parse: () => Parsed): Parsed | undefined {
  try {
    return parse()
  } catch (error) {
    if (isLarderError(error, 'APT_DEPENDENCY_MALFORMED')) return undefined
    throw error
  }
}
