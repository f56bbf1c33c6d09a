import { LarderError } from '../../core/index.ts'
import { fieldCount, identifyField, type FieldId } from './field.ts'

/** Where the values of one stanza's fields lie. Overwritten by the next stanza. */
export interface Stanza {
  readonly bytes: Buffer
  /** First byte of the stanza and the one after its last: without the empty line that ends it. */
  start: number
  end: number
  /** 1-based line in the whole index. */
  line: number
  /** Trimmed value of a field: `[valueStart, valueEnd)`; equal when it is empty or missing. */
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
  /** The first field that occurs twice, or -1. */
  repeated: FieldId | -1
}

export interface ScanOptions {
  /** For messages: which index. */
  label: string
  maxStanzaBytes: number
  onStanza: (stanza: Stanza) => void
}

const lineFeed = 0x0a
const space = 0x20
const tab = 0x09
const colon = 0x3a

/** Splits an index into stanzas by hand, over bytes: 60,000 stanzas have more than a million lines. */
export class StanzaScanner {
  private line = 1
  /** Whether a stanza has begun, and the field that a continuation belongs to. */
  private isOpen = false
  private field = -1
  private readonly options: ScanOptions
  private readonly valueStart = new Int32Array(fieldCount)
  private readonly valueEnd = new Int32Array(fieldCount)

  constructor(options: ScanOptions) {
    this.options = options
  }

  /**
   * Reads every stanza that ends within `bytes` and answers how many bytes are done with; what follows them is to
   * be given again with more behind it, or with `isLast` at the end of the index.
   *
   * @throws APT_STANZA_MALFORMED for a line that is no field, and for a stanza above the limit
   */
  scan(bytes: Buffer, isLast: boolean): number {
    const end = bytes.length
    const stanza: Stanza = {
      bytes,
      start: 0,
      end: 0,
      line: this.line,
      valueStart: this.valueStart,
      valueEnd: this.valueEnd,
      repeated: -1,
    }
    let at = 0
    this.isOpen = false
    while (at < end) {
      const found = endOfLine(bytes, at, end)
      const isWhole = found < end
      if (!isWhole && !isLast) break
      if (found === at) this.endStanza(stanza, at)
      else this.readLine(stanza, at, found)
      if (isWhole) this.line++
      at = isWhole ? found + 1 : end
    }
    if (isLast) this.endStanza(stanza, end)
    return this.keepOpen(stanza, { at, end })
  }

  /** What has begun is read again from its first byte. */
  private keepOpen(stanza: Stanza, { at, end }: { at: number; end: number }): number {
    const start = this.isOpen ? stanza.start : at
    if (end - start > this.options.maxStanzaBytes) this.failSize(this.isOpen ? stanza.line : this.line)
    if (this.isOpen) this.line = stanza.line
    return start
  }

  private endStanza(stanza: Stanza, at: number): void {
    if (!this.isOpen) return
    stanza.end = at
    this.isOpen = false
    this.options.onStanza(stanza)
  }

  private readLine(stanza: Stanza, at: number, eol: number): void {
    if (!this.isOpen) {
      this.isOpen = true
      this.field = -1
      stanza.start = at
      stanza.line = this.line
      stanza.repeated = -1
      // A call of fill costs more than so few numbers.
      for (let field = 0; field < fieldCount; field++) this.valueStart[field] = this.valueEnd[field] = 0
    }
    const first = stanza.bytes[at]!
    if (first !== space && first !== tab) this.field = this.readField(stanza, at, eol)
    else if (this.field >= 0) this.valueEnd[this.field] = trimEnd(stanza.bytes, this.valueStart[this.field]!, eol)
    if (eol - stanza.start > this.options.maxStanzaBytes) this.failSize(stanza.line)
  }

  private readField(stanza: Stanza, at: number, eol: number): number {
    const { bytes } = stanza
    let nameEnd = at
    while (nameEnd < eol && bytes[nameEnd] !== colon) nameEnd++
    if (nameEnd === eol || nameEnd === at) this.failLine(bytes, at, eol)
    const field = identifyField(bytes, at, nameEnd)
    if (field < 0) return -1
    if (this.valueStart[field] !== 0) stanza.repeated = field
    let start = nameEnd + 1
    while (start < eol && (bytes[start] === space || bytes[start] === tab)) start++
    this.valueStart[field] = start
    this.valueEnd[field] = trimEnd(bytes, start, eol)
    return field
  }

  private failLine(bytes: Buffer, at: number, eol: number): never {
    const shown = JSON.stringify(bytes.toString('latin1', at, Math.min(eol, at + 60)))
    throw this.malformed(this.line, `${shown} is neither a field nor the continuation of one`)
  }

  private failSize(line: number): never {
    throw this.malformed(line, `the stanza is larger than ${this.options.maxStanzaBytes} bytes`)
  }

  private malformed(line: number, fault: string): LarderError {
    return new LarderError('APT_STANZA_MALFORMED', {
      message: `${this.options.label}, line ${line}: ${fault}.`,
      hint: 'The upstream has signed a damaged index: tell those who run it.',
      context: { label: this.options.label, line },
    })
  }
}

/** Place of the next line feed, or `end`. Most lines are short: a look around beats a call. */
function endOfLine(bytes: Buffer, at: number, end: number): number {
  const near = Math.min(end, at + 64)
  let eol = at
  while (eol < near && bytes[eol] !== lineFeed) eol++
  if (eol < near || eol === end) return eol
  const found = bytes.indexOf(lineFeed, eol)
  return found < 0 || found > end ? end : found
}

function trimEnd(bytes: Buffer, start: number, end: number): number {
  let at = end
  while (at > start && bytes[at - 1]! <= space) at--
  return at
}
