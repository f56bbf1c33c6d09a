import { ByteHeap, type Interner } from '../../table/index.ts'
import { NameTable } from './name-table.ts'
import type { XmlCursor } from './xml-cursor.ts'
import { decodeText } from './xml-reference.ts'

/** Attributes of <entry> and of <version>. */
const attributes = new NameTable(['name', 'flags', 'epoch', 'ver', 'rel'])
const attributeCount = 5
const nameId = 0
const flagsId = 1
const epochId = 2
const verId = 3
const relId = 4

/** Writes versions and dependencies in their canonical text, without making strings. One at a time. */
export class ClauseWriter {
  readonly text = new ByteHeap(4096)
  private readonly place = new Int32Array(attributeCount)

  /** `name`, `name >= 1:2.0-3`, `(a if b)`: the number of the clause, or what is wrong with the entry. */
  clauseOf(cursor: XmlCursor, clauses: Interner): number | string {
    return this.writeClause(cursor) ?? clauses.intern(this.text.bytes, 0, this.text.length)
  }

  /** Into `text`; answers what is wrong with the entry. */
  private writeClause(cursor: XmlCursor): string | undefined {
    const { text } = this
    this.findAttributes(cursor)
    text.length = 0
    if (!this.write(cursor, nameId)) return 'one of its relations has no name'
    const isRich = text.bytes[0] === openParenthesis
    if (!isRich && !isWord(text.bytes, 0, text.length)) return 'the name of one of its relations is malformed'
    if (this.place[flagsId] !== missing && this.place[verId] !== missing && !isRich) {
      const operator = this.operatorOf(cursor)
      if (operator === undefined) return 'one of its relations has unknown flags'
      text.append(operator, 0, operator.length)
      const versionStart = text.length
      if (this.writeEvr(cursor) === undefined) return 'the epoch of one of its relations is no number'
      if (!isWord(text.bytes, versionStart, text.length)) return 'the version of one of its relations is malformed'
    }
    return undefined
  }

  /** Of <version>, into `text`: where the version begins in it. Undefined when the epoch is no number. */
  evrOf(cursor: XmlCursor): number | undefined {
    this.findAttributes(cursor)
    this.text.length = 0
    return this.writeEvr(cursor)
  }

  private findAttributes(cursor: XmlCursor): void {
    const { count, nameStart, nameEnd, valueStart, valueEnd } = cursor.attributes
    const { place } = this
    for (let id = 0; id < attributeCount; id++) place[id] = missing
    for (let index = 0; index < count; index++) {
      const id = attributes.idOf(cursor.bytes, nameStart[index]!, nameEnd[index]!)
      if (id >= 0 && valueEnd[index]! > valueStart[index]!) place[id] = index
    }
  }

  /** False when the attribute is missing or empty. */
  private write(cursor: XmlCursor, id: number): boolean {
    const index = this.place[id]!
    if (index === missing) return false
    const { valueStart, valueEnd, hasReference } = cursor.attributes
    const start = valueStart[index]!
    const end = valueEnd[index]!
    if (hasReference[index] === 0) this.text.append(cursor.bytes, start, end)
    else decodeText(cursor.bytes, { start, end }, this.text)
    return true
  }

  private operatorOf(cursor: XmlCursor): Buffer | undefined {
    const index = this.place[flagsId]!
    const start = cursor.attributes.valueStart[index]!
    if (cursor.attributes.valueEnd[index]! - start !== 2) return undefined
    return operators.get(cursor.bytes[start]! * 256 + cursor.bytes[start + 1]!)
  }

  private writeEvr(cursor: XmlCursor): number | undefined {
    const { text } = this
    const epochStart = text.length
    if (this.write(cursor, epochId)) {
      if (!isNumber(text.bytes, epochStart, text.length)) return undefined
      if (isZero(text.bytes, epochStart, text.length)) text.length = epochStart
      else text.append(colon, 0, 1)
    }
    const versionStart = text.length
    this.write(cursor, verId)
    const versionEnd = text.length
    text.append(hyphen, 0, 1)
    if (!this.write(cursor, relId)) text.length = versionEnd
    return versionStart
  }
}

const missing = -1

const codeOf = (flag: string): number => flag.charCodeAt(0) * 256 + flag.charCodeAt(1)
const operators: ReadonlyMap<number, Buffer> = new Map([
  [codeOf('LT'), Buffer.from(' < ')],
  [codeOf('LE'), Buffer.from(' <= ')],
  [codeOf('EQ'), Buffer.from(' = ')],
  [codeOf('GE'), Buffer.from(' >= ')],
  [codeOf('GT'), Buffer.from(' > ')],
])
const openParenthesis = 0x28
const colon = Buffer.from(':')
const hyphen = Buffer.from('-')

/** No space, no control character: they part the words of a clause. */
function isWord(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! <= 0x20 || bytes[at] === 0x7f) return false
  return true
}

function isNumber(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return false
  return end - start <= 10
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0x30) return false
  return true
}
