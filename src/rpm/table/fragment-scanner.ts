import { isSame } from './attribute-list.ts'
import { passDullElement } from './dull-passage.ts'
import { Token, XmlCursor, type TokenKind } from './xml-cursor.ts'
import { isSpace } from './xml-class.ts'

/**
 * Is told of the children of the root. `begin` may come again for the same child, from its first byte, when its end
 * was not there yet: what was collected since is to be forgotten.
 */
export interface FragmentReader {
  /** After `open`: the element has nothing of use. What is in it is passed over where that is safe, and else told. */
  readonly isDull?: boolean
  root(cursor: XmlCursor): void
  begin(cursor: XmlCursor): void
  /** `depth`: 0 for the child itself. */
  open(cursor: XmlCursor, depth: number): void
  /** Also CDATA. */
  text(cursor: XmlCursor, depth: number): void
  close(cursor: XmlCursor, depth: number): void
  /** `[start, end)` of `cursor.bytes`. */
  end(cursor: XmlCursor, start: number, end: number): void
}

export interface FragmentScanOptions {
  /** For messages. */
  label: string
  /** Local name of the root. */
  root: string
  /** Default: 64 MiB. */
  maxFragmentBytes?: number
}

const maxDepth = 100

/** Splits an XML file into the children of its root, over bytes: metadata of a large repository is 500 MB. */
export class FragmentScanner {
  private state: 'prolog' | 'root' | 'epilog' = 'prolog'
  private rootName = Buffer.alloc(0)
  private readonly cursor: XmlCursor
  private readonly reader: FragmentReader
  private readonly options: Required<FragmentScanOptions>
  /** Where the names of the open elements of a fragment lie. */
  private readonly openStart = new Int32Array(maxDepth)
  private readonly openEnd = new Int32Array(maxDepth)
  private isLast = false

  constructor(reader: FragmentReader, options: FragmentScanOptions) {
    this.reader = reader
    this.options = { maxFragmentBytes: 64 * 1024 * 1024, ...options }
    this.cursor = new XmlCursor(options.label)
  }

  /**
   * Reads every child that ends within `bytes` and answers how many bytes are done with; what follows is to be given
   * again with more behind it.
   *
   * @throws RPM_XML_MALFORMED for what is no XML, ends early, has another root or a child above the limit
   */
  scan(bytes: Buffer, { offset, isLast }: { offset: number; isLast: boolean }): number {
    const { cursor } = this
    cursor.bytes = bytes
    cursor.offset = offset
    cursor.end = bytes.length
    cursor.at = offset === 0 ? skipByteOrderMark(bytes) : 0
    this.isLast = isLast
    let done = 0
    for (;;) {
      const token = cursor.next()
      if (token === Token.cut || !this.take(token)) break
      done = cursor.at
    }
    if (isLast) this.checkEnd(done)
    this.refuseLarge(done, bytes.length)
    return done
  }

  /** False when the bytes end before what was begun. */
  private take(token: TokenKind): boolean {
    if (token === Token.nothing) return true
    if (this.state === 'root') return this.takeWithin(token)
    if (token === Token.text && this.isBlank()) return true
    if (this.state === 'epilog' || token !== Token.open)
      throw this.cursor.malformed('there is text outside of the root')
    return this.takeRoot()
  }

  private takeRoot(): boolean {
    const { cursor, options } = this
    const { bytes, nameStart, localStart, nameEnd } = cursor
    const local = bytes.toString('utf8', localStart, nameEnd)
    if (local !== options.root) throw cursor.malformed(`the root is <${local.slice(0, 60)}>, not <${options.root}>`)
    this.rootName = Buffer.from(bytes.subarray(nameStart, nameEnd))
    this.state = cursor.isEmptyElement ? 'epilog' : 'root'
    this.reader.root(cursor)
    return true
  }

  private takeWithin(token: TokenKind): boolean {
    const { cursor } = this
    if (token === Token.open) return this.takeFragment(cursor.tokenStart)
    if (token !== Token.close) return true
    const { bytes, nameStart, nameEnd } = cursor
    if (this.rootName.compare(bytes, nameStart, nameEnd) !== 0)
      throw cursor.malformed('a tag is closed that is not open')
    this.state = 'epilog'
    return true
  }

  private takeFragment(start: number): boolean {
    const { cursor, reader } = this
    cursor.attributes.hasBadReference = false
    reader.begin(cursor)
    let depth = 0
    for (let token: TokenKind = Token.open; ; token = cursor.next()) {
      if (token === Token.text || token === Token.cdata) reader.text(cursor, depth - 1)
      else if (token === Token.open) {
        if (depth === maxDepth) throw cursor.malformed(`elements are more than ${maxDepth} deep`)
        this.openStart[depth] = cursor.nameStart
        this.openEnd[depth] = cursor.nameEnd
        reader.open(cursor, depth)
        if (cursor.isEmptyElement) reader.close(cursor, depth)
        else {
          depth++
          // Before its end is there, nothing is known of what is in it: cut or whole, it must be read alike.
          if (reader.isDull === true && !passDullElement(cursor) && !this.isLast) return false
        }
      } else if (token === Token.close) {
        depth--
        this.checkClose(depth)
        reader.close(cursor, depth)
      } else if (token === Token.cut) return false
      if (depth === 0) break
    }
    this.refuseLarge(start, cursor.at)
    reader.end(cursor, start, cursor.at)
    return true
  }

  private refuseLarge(start: number, end: number): void {
    const { maxFragmentBytes } = this.options
    if (end - start > maxFragmentBytes)
      throw this.cursor.malformed(`a record is larger than ${maxFragmentBytes} bytes`, start)
  }

  private checkClose(depth: number): void {
    const { cursor, openStart, openEnd } = this
    const { bytes, nameStart: start, nameEnd: end } = cursor
    const from = openStart[depth]!
    if (openEnd[depth]! - from !== end - start || !isSame(bytes, { from, start, end }))
      throw cursor.malformed('a tag is closed that is not open')
  }

  private isBlank(): boolean {
    const { bytes, textStart, textEnd } = this.cursor
    for (let at = textStart; at < textEnd; at++) if (isSpace[bytes[at]!] === 0) return false
    return true
  }

  /** White space may follow the root, which no `<` ends. */
  private checkEnd(done: number): void {
    const { cursor } = this
    cursor.textStart = done
    cursor.textEnd = cursor.end
    if (this.state !== 'epilog' || !this.isBlank()) throw cursor.malformed('it ends in the middle', cursor.end)
  }
}

function skipByteOrderMark(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}
