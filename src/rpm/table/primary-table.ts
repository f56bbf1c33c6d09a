import { crc32 } from 'node:zlib'
import { ByteHeap, Column, Interner } from '../../table/index.ts'
import { faultOfHref } from '../href.ts'
import { checksumTypes, relationFieldCount } from '../package-rows.ts'
import { faultOfArchitecture, faultOfName, faultOfVersion } from './package-fault.ts'
import type { ExcludedPackage, PrimaryData } from './primary-layout.ts'
import { ClauseWriter } from './relation-clause.ts'
import type { XmlCursor } from './xml-cursor.ts'

/** More than this is never shown to a person. */
const maxExcludedKept = 100
const none = -1

/** Collects the table of a primary.xml, package by package: `begin`, what there is in any order, `end`. */
export class PrimaryTable {
  excludedCount = 0
  readonly excluded: ExcludedPackage[] = []
  private readonly words = new Interner()
  private readonly clauses = new Interner()
  private readonly locations = new ByteHeap()
  private readonly checksums = new ByteHeap()
  private readonly column = {
    name: new Column(Uint32Array),
    evr: new Column(Uint32Array),
    architecture: new Column(Uint32Array),
    sourceRpm: new Column(Uint32Array),
    base: new Column(Uint32Array),
    sizeBytes: new Column(Float64Array),
    offset: new Column(Uint32Array),
    length: new Column(Uint32Array),
    crc: new Column(Uint32Array),
    relationStart: new Column(Uint32Array),
    relation: new Column(Uint32Array),
    fileStart: new Column(Uint32Array),
    file: new Column(Uint32Array),
    locationStart: new Column(Uint32Array),
    checksumStart: new Column(Uint32Array),
    checksumType: new Column(Uint16Array),
  }
  private readonly writer = new ClauseWriter()
  /** Clauses of the package, by field: they come in any order. */
  private readonly relations = Array.from({ length: relationFieldCount }, () => new Column(Uint32Array, 64))
  private fault: string | undefined
  private shownName = ''
  private name = none
  private evr = none
  private architecture = none
  private sourceRpm = none
  private sizeBytes = none
  private location: string | undefined
  private base: string | undefined
  private checksumType = none
  private readonly checksum = Buffer.alloc(64)
  private checksumBytes = 0

  constructor() {
    const { relationStart, fileStart, locationStart, checksumStart } = this.column
    for (const starts of [relationStart, fileStart, locationStart, checksumStart]) starts.push(0)
  }

  get rowCount(): number {
    return this.column.name.length
  }

  begin(): void {
    for (const clauses of this.relations) clauses.length = 0
    this.column.file.length = this.column.fileStart.at(this.rowCount)
    this.fault = this.location = this.base = undefined
    this.name = this.evr = this.architecture = this.sourceRpm = this.sizeBytes = this.checksumType = none
    this.shownName = ''
    this.checksumBytes = 0
  }

  /** The package is left out. The first reason counts. */
  refuse(reason: string): void {
    this.fault ??= reason
  }

  setName(text: ByteHeap): void {
    const { bytes, start, end } = trimmed(text)
    const fault = faultOfName(bytes, start, end)
    if (fault === undefined) this.name = this.words.intern(bytes, start, end)
    else {
      this.refuse(fault)
      this.shownName = bytes.toString('utf8', start, Math.min(end, start + 100))
    }
  }

  setArchitecture(text: ByteHeap): void {
    const { bytes, start, end } = trimmed(text)
    const fault = faultOfArchitecture(bytes, start, end)
    if (fault === undefined) this.architecture = this.words.intern(bytes, start, end)
    else this.refuse(fault)
  }

  setEvr(cursor: XmlCursor): void {
    const { writer, words } = this
    const versionStart = writer.evrOf(cursor)
    const { bytes, length } = writer.text
    const fault = versionStart === undefined ? 'its epoch is no number' : faultOfVersion(bytes, versionStart, length)
    if (fault === undefined) this.evr = words.intern(bytes, 0, length)
    else this.refuse(fault)
  }

  setSourceRpm(text: ByteHeap): void {
    const { bytes, start, end } = trimmed(text)
    if (end > start) this.sourceRpm = this.words.intern(bytes, start, end)
  }

  /** Negative: it is none. */
  setSize(packageBytes: number): void {
    if (packageBytes >= 0) this.sizeBytes = packageBytes
    else this.refuse('its size is not a number')
  }

  setLocation(href: string | undefined, base: string | undefined): void {
    this.location = href
    this.base = base
    const fault = href === undefined ? 'it is missing' : faultOfHref(href)
    if (fault !== undefined) this.refuse(`its location cannot be used: ${fault}`)
  }

  setChecksumType(type = ''): void {
    const plain = type.toLowerCase()
    const index = (checksumTypes as readonly string[]).indexOf(plain === 'sha' ? 'sha1' : plain)
    if (index < 0) this.refuse(`its checksum is of type ${JSON.stringify(type.slice(0, 20))}, which is not known`)
    else this.checksumType = index
  }

  setChecksum(text: ByteHeap): void {
    const { bytes, start, end } = trimmed(text)
    const count = (end - start) >> 1
    const isRight = end - start === checksumDigits[this.checksumType] && decodeHex(bytes, start, this.checksum, count)
    if (isRight) this.checksumBytes = count
    else this.refuse('its checksum is malformed')
  }

  addFile(text: ByteHeap): void {
    this.column.file.push(this.words.intern(text.bytes, 0, text.length))
  }

  addRelation(cursor: XmlCursor, field: number): void {
    const clause = this.writer.clauseOf(cursor, this.clauses)
    if (typeof clause === 'string') this.refuse(clause)
    else this.relations[field]!.push(clause)
  }

  /** `offset`: where the first byte of the buffer lies in the text. */
  end(bytes: Buffer, { start, end, offset }: { start: number; end: number; offset: number }): void {
    const fault = this.fault ?? this.missing()
    if (fault !== undefined) return this.exclude(fault, offset + start)
    const { column, locations, checksums } = this
    column.name.push(this.name)
    column.evr.push(this.evr)
    column.architecture.push(this.architecture)
    column.sourceRpm.push(this.sourceRpm + 1)
    column.base.push(this.base === undefined ? 0 : this.word(Buffer.from(this.base)) + 1)
    column.sizeBytes.push(this.sizeBytes)
    column.offset.push(offset + start)
    column.length.push(end - start)
    column.crc.push(crc32(bytes.subarray(start, end)))
    for (const clauses of this.relations) {
      for (let at = 0; at < clauses.length; at++) column.relation.push(clauses.at(at))
      column.relationStart.push(column.relation.length)
    }
    column.fileStart.push(column.file.length)
    locations.reserve(3 * this.location!.length)
    locations.length += locations.bytes.write(this.location!, locations.length)
    column.locationStart.push(locations.length)
    checksums.append(this.checksum, 0, this.checksumBytes)
    column.checksumStart.push(checksums.length)
    column.checksumType.push(this.checksumType)
  }

  finish(): PrimaryData {
    const { column, words, clauses, locations, checksums } = this
    column.file.length = column.fileStart.at(this.rowCount)
    const columns = Object.fromEntries(Object.entries(column).map(([name, one]) => [name, one.values()]))
    return {
      columns: {
        ...columns,
        wordStart: words.starts.values(),
        clauseStart: clauses.starts.values(),
      } as PrimaryData['columns'],
      heaps: {
        words: words.heap.values(),
        clauses: clauses.heap.values(),
        locations: locations.values(),
        checksums: checksums.values(),
      },
    }
  }

  private missing(): string | undefined {
    if (this.name === none) return 'it has no name'
    if (this.architecture === none) return 'it has no architecture'
    if (this.evr === none) return 'it has no version'
    if (this.checksumBytes === 0) return 'it has no checksum'
    if (this.location === undefined) return 'it has no location'
    return this.sizeBytes === none ? 'it has no size' : undefined
  }

  private exclude(reason: string, offset: number): void {
    this.excludedCount++
    if (this.excluded.length < maxExcludedKept)
      this.excluded.push({ package: this.nameToShow(), byte: offset + 1, reason })
  }

  private nameToShow(): string {
    const { heap, starts } = this.words
    if (this.name === none) return this.shownName
    return heap.bytes.toString('latin1', starts.at(this.name), starts.at(this.name + 1))
  }

  private word(bytes: Buffer): number {
    return this.words.intern(bytes, 0, bytes.length)
  }
}

/** Hex digits by place in `checksumTypes`. */
const checksumDigits = [64, 128, 96, 56, 40, 32]

/** Where the text is without the white space around it. */
function trimmed({ bytes, length }: ByteHeap): { bytes: Buffer; start: number; end: number } {
  let start = 0
  let end = length
  while (start < end && bytes[start]! <= 0x20) start++
  while (end > start && bytes[end - 1]! <= 0x20) end--
  return { bytes, start, end }
}

/** False when a digit is none. */
function decodeHex(digits: Buffer, start: number, to: Buffer, count: number): boolean {
  for (let i = 0, at = start; i < count; i++, at += 2) {
    const high = hexValue[digits[at]!]!
    const low = hexValue[digits[at + 1]!]!
    if ((high | low) > 15) return false
    to[i] = high * 16 + low
  }
  return true
}

const hexValue = new Uint8Array(256).fill(16)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  hexValue[digit.charCodeAt(0)] = hexValue[digit.toUpperCase().charCodeAt(0)] = value
}
