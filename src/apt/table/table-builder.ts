import { crc32 } from 'node:zlib'
import { ByteClass, ByteHeap, Column, Interner, isAllOf } from '../../table/index.ts'
import { Field, type FieldId } from './field.ts'
import { faultOfPackage, faultOfSource, sourceSizeBytes } from './stanza-fault.ts'
import type { Stanza } from './scan-stanzas.ts'
import { decimal, decodeHex, isYes, oneOf, splitAtCommas } from './stanza-value.ts'
import { multiArchNames, packFlags, priorityNames, relationFieldCount, RowFlag } from './table-layout.ts'
import type { Columns, Excluded, Heaps, IndexKind } from './table-layout.ts'

/** More than this is never shown to a person. */
const maxExcludedKept = 100

const relationFields: readonly FieldId[] = [
  Field.preDepends,
  Field.depends,
  Field.recommends,
  Field.conflicts,
  Field.breaks,
]

/** Collects the table of an index, stanza by stanza. */
export class TableBuilder {
  excludedCount = 0
  readonly excluded: Excluded[] = []
  private readonly kind: IndexKind
  private readonly words = new Interner()
  private readonly clauses = new Interner()
  private readonly paths = new ByteHeap()
  private readonly sha256 = new ByteHeap()
  private readonly sha512 = new ByteHeap()
  private readonly descriptionMd5 = new ByteHeap()
  private readonly column = {
    name: new Column(Uint32Array),
    version: new Column(Uint32Array),
    architecture: new Column(Uint32Array),
    sourceName: new Column(Uint32Array),
    sourceVersion: new Column(Uint32Array),
    offset: new Column(Uint32Array),
    length: new Column(Uint32Array),
    crc: new Column(Uint32Array),
    sizeBytes: new Column(Float64Array),
    installedSizeKiB: new Column(Float64Array),
    flags: new Column(Uint16Array),
    pathStart: new Column(Uint32Array),
    relationStart: new Column(Uint32Array),
    relation: new Column(Uint32Array),
    provideRow: new Column(Uint32Array),
    provideClause: new Column(Uint32Array),
    provideName: new Column(Uint32Array),
  }

  constructor(kind: IndexKind) {
    this.kind = kind
    this.column.pathStart.push(0)
    this.column.relationStart.push(0)
  }

  get rowCount(): number {
    return this.column.name.length
  }

  /** `textOffset`: where the first byte of the scanned buffer lies in the text. */
  add(stanza: Stanza, textOffset: number): void {
    const fault = this.kind === 'packages' ? faultOfPackage(stanza) : faultOfSource(stanza)
    if (fault !== undefined) return this.exclude(stanza, fault)
    const { column } = this
    const { bytes, start, end } = stanza
    this.addIdentity(stanza)
    column.offset.push(textOffset + start)
    column.length.push(end - start)
    column.crc.push(crc32(bytes.subarray(start, end)))
    column.installedSizeKiB.push(decimal(stanza, Field.installedSize))
    if (this.kind === 'packages') this.addPackage(stanza)
    else this.addSource(stanza)
    column.pathStart.push(this.paths.length)
  }

  finish(): { columns: Columns; heaps: Heaps } {
    const { column, words, clauses } = this
    return {
      columns: {
        name: column.name.values(),
        version: column.version.values(),
        architecture: column.architecture.values(),
        sourceName: column.sourceName.values(),
        sourceVersion: column.sourceVersion.values(),
        offset: column.offset.values(),
        length: column.length.values(),
        crc: column.crc.values(),
        sizeBytes: column.sizeBytes.values(),
        installedSizeKiB: column.installedSizeKiB.values(),
        flags: column.flags.values(),
        pathStart: column.pathStart.values(),
        relationStart: column.relationStart.values(),
        relation: column.relation.values(),
        provideRow: column.provideRow.values(),
        provideClause: column.provideClause.values(),
        provideName: column.provideName.values(),
        wordStart: words.starts.values(),
        clauseStart: clauses.starts.values(),
      },
      heaps: {
        words: words.heap.values(),
        clauses: clauses.heap.values(),
        paths: this.paths.values(),
        sha256: this.sha256.values(),
        sha512: this.sha512.values(),
        descriptionMd5: this.descriptionMd5.values(),
      },
    }
  }

  private addIdentity(stanza: Stanza): void {
    const { column } = this
    const name = this.word(stanza, Field.package)
    const version = this.word(stanza, Field.version)
    column.name.push(name)
    column.version.push(version)
    column.architecture.push(this.word(stanza, Field.architecture))
    this.addSourceOf(stanza, name, version)
  }

  /** `Source: glibc (2.36-9)`; without the field, or without the version, what the package itself says. */
  private addSourceOf(stanza: Stanza, name: number, version: number): void {
    const { bytes } = stanza
    const start = stanza.valueStart[Field.source]!
    const end = stanza.valueEnd[Field.source]!
    if (end === start) {
      this.column.sourceName.push(name)
      this.column.sourceVersion.push(version)
      return
    }
    let nameEnd = start
    while (nameEnd < end && bytes[nameEnd]! > 0x20 && bytes[nameEnd] !== openParenthesis) nameEnd++
    const open = bytes.subarray(nameEnd, end).indexOf(openParenthesis)
    const hasVersion = open >= 0 && bytes[end - 1] === closeParenthesis
    this.column.sourceName.push(nameEnd > start ? this.words.intern(bytes, start, nameEnd) : name)
    this.column.sourceVersion.push(hasVersion ? this.words.intern(bytes, nameEnd + open + 1, end - 1) : version)
  }

  private addPackage(stanza: Stanza): void {
    const { column } = this
    const { bytes, valueStart, valueEnd } = stanza
    column.sizeBytes.push(decimal(stanza, Field.size))
    this.paths.append(bytes, valueStart[Field.filename]!, valueEnd[Field.filename]!)
    let flags = 0
    if (isYes(stanza, Field.essential)) flags |= RowFlag.essential
    if (isYes(stanza, Field.protected)) flags |= RowFlag.protected
    if (isYes(stanza, Field.important)) flags |= RowFlag.important
    if (this.addHash(stanza, Field.sha256, this.sha256, 32)) flags |= RowFlag.hasSha256
    if (this.addHash(stanza, Field.sha512, this.sha512, 64)) flags |= RowFlag.hasSha512
    if (this.addHash(stanza, Field.descriptionMd5, this.descriptionMd5, 16)) flags |= RowFlag.hasDescriptionMd5
    const multiArch = oneOf(stanza, Field.multiArch, multiArchNames) ?? 'no'
    const priority = oneOf(stanza, Field.priority, priorityNames) ?? 'optional'
    column.flags.push(packFlags(flags, multiArch, priority))
    for (const field of relationFields) this.addRelation(stanza, field)
    this.addProvides(stanza)
  }

  private addSource(stanza: Stanza): void {
    const { column } = this
    column.sizeBytes.push(sourceSizeBytes(stanza))
    this.paths.append(stanza.bytes, stanza.valueStart[Field.directory]!, stanza.valueEnd[Field.directory]!)
    column.flags.push(packFlags(0, 'no', 'optional'))
    for (let field = 0; field < relationFieldCount; field++) column.relationStart.push(column.relation.length)
  }

  private addRelation(stanza: Stanza, field: FieldId): void {
    splitAtCommas(stanza, field, (start, end) => {
      this.column.relation.push(this.clauses.intern(stanza.bytes, start, end))
    })
    this.column.relationStart.push(this.column.relation.length)
  }

  private addProvides(stanza: Stanza): void {
    const { bytes } = stanza
    const row = this.rowCount - 1
    splitAtCommas(stanza, Field.provides, (start, end) => {
      let nameEnd = start
      while (nameEnd < end && isAllOf(bytes, nameEnd, nameEnd + 1, ByteClass.name)) nameEnd++
      this.column.provideRow.push(row)
      this.column.provideClause.push(this.clauses.intern(bytes, start, end))
      this.column.provideName.push(this.words.intern(bytes, start, nameEnd))
    })
  }

  /** Rows without the hash get zeros once any row has it; a heap that no row needs stays empty. */
  private addHash(stanza: Stanza, field: FieldId, heap: ByteHeap, bytesEach: number): boolean {
    const start = stanza.valueStart[field]!
    const isLong = stanza.valueEnd[field]! - start === 2 * bytesEach
    if (!isLong && heap.length === 0) return false
    const from = (this.rowCount - 1) * bytesEach
    const before = heap.length
    heap.reserve(from + bytesEach - before)
    const isThere = isLong && decodeHex(stanza.bytes, start, { heap: heap.bytes, at: from, count: bytesEach })
    if (!isThere && before === 0) return false
    if (before < from) heap.bytes.fill(0, before, from)
    if (!isThere) heap.bytes.fill(0, from, from + bytesEach)
    heap.length = from + bytesEach
    return isThere
  }

  private word(stanza: Stanza, field: FieldId): number {
    return this.words.intern(stanza.bytes, stanza.valueStart[field]!, stanza.valueEnd[field]!)
  }

  private exclude(stanza: Stanza, reason: string): void {
    this.excludedCount++
    if (this.excluded.length >= maxExcludedKept) return
    const start = stanza.valueStart[Field.package]!
    const end = Math.min(stanza.valueEnd[Field.package]!, start + 100)
    this.excluded.push({ package: stanza.bytes.toString('latin1', start, end), line: stanza.line, reason })
  }
}

const openParenthesis = 0x28
const closeParenthesis = 0x29
