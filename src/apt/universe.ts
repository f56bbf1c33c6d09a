import { isLarderError } from '../core/index.ts'
import { joinTables } from './closure/join-tables.ts'
import { type Disagreement, groupByName, type NameGroups } from './closure/name-groups.ts'
import { NameTable } from './closure/name-table.ts'
import { RowRelations } from './closure/row-relations.ts'
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
  private readonly relations: RowRelations
  private readonly memberOf: Uint8Array
  private readonly rowBase: readonly number[]
  private readonly provideBase: readonly number[]
  private readonly names: NameTable
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
    this.nameOf = tables.nameOf
    this.architectureOf = tables.architectureOf
    this.flagsOf = tables.flagsOf
    this.memberOf = tables.memberOf
    this.rowBase = tables.rowBase
    this.provideBase = tables.provideBase
    this.names = new NameTable(tables.names)
    this.relations = new RowRelations(this.rowCount, (row) => this.indexOf(row).stanzaView(this.localRow(row)))
    this.versions = new Array<string | undefined>(this.rowCount)
    this.groups = groupByName(this, this.names.count, tables.provides)
  }

  /** So far: grows with the rows whose relations are asked for. */
  get clauseCount(): number {
    return this.relations.clauseCount
  }

  /** Where the fields of a row begin in `relationBounds`, see RelationField; read when first asked for. CACHE_DAMAGED. */
  relationsAt(row: number): number {
    return this.relations.at(row)
  }

  /** See RowRelations: to be asked for after `relationsAt`. */
  get relation(): Uint32Array {
    return this.relations.relation
  }

  get relationBounds(): Uint32Array {
    return this.relations.bounds
  }

  get disagreements(): readonly Disagreement[] {
    return this.groups.disagreements
  }

  /** Rows of a name, best first. Empty for a name that nothing has. */
  rowsNamed(name: string): Uint32Array {
    return this.groups.rowsOf(this.names.find(name))
  }

  rowsOfName(id: number): Uint32Array {
    return this.groups.rowsOf(id)
  }

  rowCountOfName(id: number): number {
    return this.groups.countOf(id)
  }

  /** Rows that provide a name, with the entry that says so: pairs of row and entry, see `providedBy`. */
  providersOf(name: string): Uint32Array {
    return this.groups.providersOf(this.names.find(name))
  }

  /** Names that packages have. */
  *packageNames(): Generator<string> {
    for (let id = 0; id < this.names.count; id++) if (this.groups.countOf(id) > 0) yield this.names.text(id)
  }

  /** By number of a name, its place in code-unit order: among the names of these rows, at least. */
  nameOrder(rows: Uint32Array): Uint32Array {
    return (this.order ??= new NameOrder(this.names)).of(rows, this.nameOf)
  }

  name(row: number): string {
    return this.names.text(this.nameOf[row]!)
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
    const flags = this.flagsOf[row]!
    const { path, ...fields } = index.fields(this.localRow(row))
    return {
      name: this.name(row),
      version: this.version(row),
      architecture: this.architecture(row),
      ...fields,
      filename: path,
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
    if (this.identity(a) === this.identity(b)) return true
    const [left, right] = [a, b].map((row) => this.indexOf(row).fields(this.localRow(row)))
    if (left!.sha256 !== undefined && right!.sha256 !== undefined) return left!.sha256 === right!.sha256
    if (left!.sha512 !== undefined && right!.sha512 !== undefined) return left!.sha512 === right!.sha512
    return left!.sizeBytes === right!.sizeBytes
  }

  clauseText(clause: number): string {
    return this.relations.clauseText(clause)
  }

  /** The alternatives of a clause; undefined when it is malformed. */
  atomsOf(clause: number): readonly Atom[] | undefined {
    const known = this.atoms[clause]
    if (known !== undefined) return known ?? undefined
    const parsed = tryParse(() => parseRelations(this.clauseText(clause))[0])
    this.atoms[clause] = parsed ?? null
    return parsed
  }

  /** What an entry of a Provides field says; undefined when it is malformed. */
  providedBy(entry: number): Provided | undefined {
    const known = this.provided[entry]
    if (known !== undefined) return known ?? undefined
    const parsed = tryParse(() => parseProvides(this.providedText(entry))[0])
    this.provided[entry] = parsed ?? null
    return parsed
  }

  private providedText(entry: number): string {
    let member = this.provideBase.length - 1
    while (entry < this.provideBase[member]!) member--
    return this.members[member]!.index.provided(entry - this.provideBase[member]!)
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
