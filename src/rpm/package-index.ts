import { TableFile, type Interner } from '../table/index.ts'
import { checksumTypes, type Checksum, type LaterRelations, type PackageRows } from './package-rows.ts'
import { primaryLayout, type ExcludedPackage, type PrimaryData, type PrimaryHeader } from './table/primary-layout.ts'
import { readRelations } from './table/read-relations.ts'

/**
 * A compiled primary.xml. The table lies in one buffer outside the JavaScript heap; the text stays on disk and is read
 * package by package. Rows are numbered from 0 in the order of the file.
 */
export class PackageIndex implements PackageRows {
  readonly key: string
  readonly label: string
  readonly rowCount: number
  readonly nameOf: Uint32Array
  readonly evrOf: Uint32Array
  readonly architectureOf: Uint32Array
  readonly sizeBytesOf: Float64Array
  readonly relationStart: Uint32Array
  readonly relation: Uint32Array
  readonly fileStart: Uint32Array
  readonly file: Uint32Array
  /** Packages that are not used: how many, and the first of them. */
  readonly excludedCount: number
  readonly excluded: readonly ExcludedPackage[]
  /** For people: what is odd about the file as a whole. */
  readonly notes: readonly string[]
  /** Prefixes that the root of primary.xml binds ('' is the default one): `fragment` uses them. */
  readonly namespaces: Readonly<Record<string, string>>
  private readonly columns: PrimaryData['columns']
  private readonly heaps: PrimaryData['heaps']
  private readonly table: TableFile<typeof primaryLayout.columns, (typeof primaryLayout.heaps)[number]>

  /** Undefined when there is none, or one that is damaged or of another layout: compile it anew. */
  static open(folder: string, key: string): PackageIndex | undefined {
    const table = TableFile.open(primaryLayout, { folder, key })
    return table && new PackageIndex(key, table)
  }

  private constructor(key: string, table: PackageIndex['table']) {
    const { columns, heaps } = table
    const header = table.header as PrimaryHeader
    this.key = key
    this.label = header.label
    this.rowCount = header.rowCount
    this.excludedCount = header.excludedCount
    this.excluded = header.excluded
    this.notes = header.notes
    this.namespaces = header.namespaces
    this.nameOf = columns.name
    this.evrOf = columns.evr
    this.architectureOf = columns.architecture
    this.sizeBytesOf = columns.sizeBytes
    this.relationStart = columns.relationStart
    this.relation = columns.relation
    this.fileStart = columns.fileStart
    this.file = columns.file
    this.columns = columns
    this.heaps = heaps
    this.table = table
  }

  get wordCount(): number {
    return this.columns.wordStart.length - 1
  }

  word(id: number): string {
    const start = this.columns.wordStart
    return this.heaps.words.toString('utf8', start[id], start[id + 1])
  }

  get clauseCount(): number {
    return this.columns.clauseStart.length - 1
  }

  clause(id: number): string {
    const start = this.columns.clauseStart
    return this.heaps.clauses.toString('utf8', start[id], start[id + 1])
  }

  laterRelations(row: number, clauses: Interner): LaterRelations {
    return readRelations(this.fragment(row), clauses)
  }

  location(row: number): string {
    const start = this.columns.locationStart
    return this.heaps.locations.toString('utf8', start[row], start[row + 1])
  }

  baseUrl(row: number): string | undefined {
    const base = this.columns.base[row]!
    return base === 0 ? undefined : this.word(base - 1)
  }

  checksum(row: number): Checksum {
    const start = this.columns.checksumStart
    const hex = this.heaps.checksums.toString('hex', start[row], start[row + 1])
    return { type: checksumTypes[this.columns.checksumType[row]!]!, hex }
  }

  rowsOfChecksums(wanted: ReadonlySet<string>): Map<string, number[]> {
    const { checksumStart } = this.columns
    const { checksums } = this.heaps
    // Text is made only of those whose first bytes are the first of one that is wanted.
    const beginnings = new Set([...wanted].map((hex) => parseInt(hex.slice(0, 8), 16)))
    const found = new Map<string, number[]>()
    for (let row = 0; row < this.rowCount; row++) {
      const start = checksumStart[row]!
      if (!beginnings.has(checksums.readUInt32BE(start))) continue
      const hex = checksums.toString('hex', start, checksumStart[row + 1])
      if (wanted.has(hex)) found.set(hex, [...(found.get(hex) ?? []), row])
    }
    return found
  }

  sourceRpm(row: number): string {
    const sourceRpm = this.columns.sourceRpm[row]!
    return sourceRpm === 0 ? '' : this.word(sourceRpm - 1)
  }

  get isDamaged(): boolean {
    return this.table.isDamaged
  }

  fragment(row: number): Buffer {
    const { offset, length, crc } = this.columns
    return this.table.readText({ offset: offset[row]!, length: length[row]!, crc: crc[row]!, label: this.label })
  }

  /** Fragments can no longer be read; the table stays usable. */
  close(): void {
    this.table.close()
  }
}
