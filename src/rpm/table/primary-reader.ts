import { ByteHeap } from '../../table/index.ts'
import { laterRelations, RelationField, relationFieldCount } from '../package-rows.ts'
import type { FragmentReader } from './fragment-scanner.ts'
import { NameTable } from './name-table.ts'
import type { PrimaryTable } from './primary-table.ts'
import type { XmlCursor } from './xml-cursor.ts'
import { decodeText } from './xml-reference.ts'

const Element = {
  name: 0,
  arch: 1,
  checksum: 2,
  sourcerpm: 3,
  file: 4,
  version: 5,
  size: 6,
  location: 7,
  format: 8,
  entry: 9,
  package: 10,
  /** And those that follow: what lies in the table, then what is read later. */
  relation: 11,
} as const

const elements = new NameTable([
  ...['name', 'arch', 'checksum', 'sourcerpm', 'file', 'version', 'size', 'location', 'format', 'entry', 'package'],
  ...Object.keys(RelationField),
  ...laterRelations,
])

const none = -1

/**
 * Reads the packages of a primary.xml into a table: what is asked of all of them (see RelationsReader). Elements are told by their local name and by where they stand:
 * which prefix is bound to which namespace says nothing that their place does not.
 */
export class PrimaryReader implements FragmentReader {
  /** As the root says; undefined when it does not. */
  declaredCount: number | undefined
  /** Prefixes that the root binds. */
  namespaces: Record<string, string> = {}
  /** What was opened last is of no use here. */
  isDull = false
  private readonly table: PrimaryTable
  private readonly collected = new ByteHeap(4096)
  /** Element whose text is collected, and how deep it is. */
  private wanted = none
  private wantedDepth = 0
  private isPackage = false
  private isInFormat = false
  private relation = none
  /** Elements of the package that were there, as bits. */
  private seen = 0

  constructor(table: PrimaryTable) {
    this.table = table
  }

  root(cursor: XmlCursor): void {
    const count = cursor.attributes.value('packages')
    if (count !== undefined && /^\d{1,9}$/.test(count)) this.declaredCount = Number(count)
    this.namespaces = cursor.attributes.namespaces()
  }

  begin(): void {
    this.table.begin()
    this.seen = 0
    this.wanted = this.relation = none
    this.isInFormat = this.isPackage = false
  }

  open(cursor: XmlCursor, depth: number): void {
    const id = elements.idOf(cursor.bytes, cursor.localStart, cursor.nameEnd)
    this.isDull = false
    if (depth === 3) {
      if (id === Element.entry && this.relation !== none) this.table.addRelation(cursor, this.relation)
    } else if (depth === 2) this.openInFormat(id)
    else if (depth === 1) this.openInPackage(cursor, id)
    else if (depth === 0) this.openPackage(cursor, id)
  }

  text(cursor: XmlCursor): void {
    if (this.wanted === none) return
    const { bytes, textStart: start, textEnd: end } = cursor
    if (cursor.textHasReference) decodeText(bytes, { start, end }, this.collected)
    else this.collected.append(bytes, start, end)
  }

  close(_: XmlCursor, depth: number): void {
    if (this.wanted !== none && depth === this.wantedDepth) this.take()
    if (depth === 2) this.relation = none
    else if (depth === 1) this.isInFormat = false
  }

  end(cursor: XmlCursor, start: number, end: number): void {
    if (!this.isPackage) return
    if (cursor.attributes.hasBadReference) this.table.refuse('it has a reference to nothing that XML knows')
    this.table.end(cursor.bytes, { start, end, offset: cursor.offset })
  }

  private openPackage(cursor: XmlCursor, id: number): void {
    this.isPackage = id === Element.package
    if (cursor.attributes.hasValue('type', 'rpm')) return
    const type = cursor.attributes.value('type') ?? 'rpm'
    if (type !== 'rpm') this.table.refuse(`it is of type ${JSON.stringify(type.slice(0, 20))}, not rpm`)
  }

  private openInPackage(cursor: XmlCursor, id: number): void {
    if (id < 0 || id > Element.format || id === Element.file || id === Element.sourcerpm) return
    if ((this.seen & (1 << id)) !== 0) this.table.refuse('one of its elements is there twice')
    this.seen |= 1 << id
    if (id === Element.name || id === Element.arch) this.collect(id, 1)
    else if (id === Element.checksum) {
      this.table.setChecksumType(
        cursor.attributes.hasValue('type', 'sha256') ? 'sha256' : cursor.attributes.value('type'),
      )
      this.collect(id, 1)
    } else if (id === Element.version) this.table.setEvr(cursor)
    else if (id === Element.size) this.table.setSize(cursor.attributes.number('package'))
    else if (id === Element.location)
      this.table.setLocation(cursor.attributes.value('href'), cursor.attributes.value('xml:base'))
    else this.isInFormat = true
  }

  private openInFormat(id: number): void {
    if (!this.isInFormat) return
    if (id === Element.file || id === Element.sourcerpm) this.collect(id, 2)
    else if (id >= Element.relation + relationFieldCount) this.isDull = true
    else if (id >= Element.relation) this.relation = id - Element.relation
  }

  private collect(id: number, depth: number): void {
    this.wanted = id
    this.wantedDepth = depth
    this.collected.length = 0
  }

  private take(): void {
    const { collected, wanted, table } = this
    this.wanted = none
    if (wanted === Element.file) table.addFile(collected)
    else if (wanted === Element.name) table.setName(collected)
    else if (wanted === Element.arch) table.setArchitecture(collected)
    else if (wanted === Element.checksum) table.setChecksum(collected)
    else table.setSourceRpm(collected)
  }
}
