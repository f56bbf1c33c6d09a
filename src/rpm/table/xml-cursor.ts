import { LarderError } from '../../core/index.ts'
import { AttributeList } from './attribute-list.ts'
import { isName, isNameStart, isPlain, isSpace } from './xml-class.ts'
import { hasBadReference } from './xml-reference.ts'

/** What `next` found. `cut`: the bytes end before it does. */
export const Token = { cut: 0, open: 1, close: 2, text: 3, cdata: 4, nothing: 5 } as const
export type TokenKind = (typeof Token)[keyof typeof Token]

/**
 * Reads XML as bytes, token by token, without making a string of anything: metadata of a large repository has millions
 * of tags. All places are in `bytes`. What is no XML is refused where it is met: names, quotes, duplicate attributes,
 * document types and so entities; only references and control characters in text are noted, since they spoil nothing
 * but the record that they stand in.
 */
export class XmlCursor {
  bytes: Buffer = Buffer.alloc(0)
  /** Where the next token begins, and the end of what there is. */
  at = 0
  end = 0
  /** Where the last token began. */
  tokenStart = 0
  /** Of open and close: the whole name, and where its local part begins. */
  nameStart = 0
  localStart = 0
  nameEnd = 0
  isEmptyElement = false
  /** Of open. */
  readonly attributes = new AttributeList()
  /** Of text and cdata. */
  textStart = 0
  textEnd = 0
  textHasReference = false
  /** Where `bytes` lie in the whole. */
  offset = 0
  private readonly label: string

  constructor(label: string) {
    this.label = label
  }

  next(): TokenKind {
    const { bytes, at, end } = this
    this.tokenStart = at
    if (at >= end) return Token.cut
    if (bytes[at] !== lessThan) return this.readText()
    if (at + 1 >= end) return Token.cut
    const second = bytes[at + 1]
    if (second === slash) return this.readClose()
    if (second === exclamation) return this.readMarkup()
    if (second === question) return this.readInstruction()
    return this.readOpen()
  }

  malformed(why: string, at = this.tokenStart): LarderError {
    return new LarderError('RPM_XML_MALFORMED', {
      message: `${this.label}, byte ${this.offset + at + 1}: ${why}.`,
      hint: 'The upstream offers a damaged file, or one that is no repository metadata: tell those who run it.',
      context: { label: this.label, byte: this.offset + at + 1 },
    })
  }

  private readText(): TokenKind {
    const { bytes, end } = this
    let at = this.at
    this.textStart = at
    this.textHasReference = false
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (isPlain[byte] === 1) continue
      if (byte === lessThan) break
      if (byte === ampersand) this.textHasReference = true
      else if (byte === greaterThan && bytes[at - 1] === closeBracket && bytes[at - 2] === closeBracket)
        throw this.malformed('there is a ]]> outside of CDATA')
    }
    if (at === end) return Token.cut
    this.textEnd = this.at = at
    if (this.textHasReference) this.attributes.hasBadReference ||= hasBadReference(bytes, this.textStart, at)
    return Token.text
  }

  private readOpen(): TokenKind {
    const { bytes, end, attributes } = this
    attributes.clear(bytes)
    let at = this.readName(this.at + 1)
    for (;;) {
      const from = at
      while (at < end && isSpace[bytes[at]!] === 1) at++
      if (at >= end) return Token.cut
      const byte = bytes[at]
      if (byte === greaterThan) break
      if (byte === slash) {
        if (at + 1 >= end) return Token.cut
        if (bytes[at + 1] !== greaterThan) throw this.malformed('a tag has a / within')
        this.at = at + 2
        this.isEmptyElement = true
        return Token.open
      }
      if (at === from) throw this.malformed('a tag has no space between its parts')
      const after = attributes.read(at, end)
      if (typeof after === 'string') throw this.malformed(after)
      at = after
    }
    this.at = at + 1
    this.isEmptyElement = false
    return at < end ? Token.open : Token.cut
  }

  /** The place behind the name; `end` when it goes on beyond. */
  private readName(start: number): number {
    const { bytes, end } = this
    let at = start
    this.nameStart = this.localStart = start
    if (at < end && isNameStart[bytes[at]!] === 0) throw this.malformed('a tag has no name')
    for (; at < end && isName[bytes[at]!] === 1; at++) if (bytes[at] === colon) this.localStart = at + 1
    this.nameEnd = at
    return at
  }

  private readClose(): TokenKind {
    const { bytes, end } = this
    let at = this.readName(this.at + 2)
    while (at < end && isSpace[bytes[at]!] === 1) at++
    if (at >= end) return Token.cut
    if (bytes[at] !== greaterThan) throw this.malformed('a closing tag does not end')
    this.at = at + 1
    return Token.close
  }

  /** Comments and CDATA; everything else that begins with `<!` declares something. */
  private readMarkup(): TokenKind {
    const { bytes, at, end } = this
    if (this.startsWith(comment)) {
      const found = bytes.indexOf('--', at + comment.length, 'latin1')
      if (found < 0 || found + 2 >= end) return Token.cut
      if (bytes[found + 2] !== greaterThan) throw this.malformed('there is a -- within a comment')
      this.at = found + 3
      return Token.nothing
    }
    if (this.startsWith(cdata)) {
      const found = bytes.indexOf(']]>', at + cdata.length, 'latin1')
      if (found < 0 || found + 3 > end) return Token.cut
      this.textStart = at + cdata.length
      this.textEnd = found
      this.textHasReference = false
      this.at = found + 3
      return Token.cdata
    }
    if (end - at < cdata.length && this.mayBecome(end - at)) return Token.cut
    throw this.malformed('it declares a document type, which no such file needs')
  }

  private startsWith(text: Buffer): boolean {
    return this.bytes.compare(text, 0, text.length, this.at, Math.min(this.at + text.length, this.end)) === 0
  }

  private mayBecome(length: number): boolean {
    const begun = this.bytes.subarray(this.at, this.at + length)
    return [comment, cdata].some((text) => text.subarray(0, length).equals(begun))
  }

  private readInstruction(): TokenKind {
    const { bytes, at, end } = this
    const found = bytes.indexOf('?>', at + 2, 'latin1')
    if (found < 0 || found + 2 > end) return Token.cut
    const text = bytes.toString('latin1', at + 2, Math.min(found, at + 300))
    if (!/^[A-Za-z_:\x80-\xff][\w.:\x80-\xff-]*(?:\s|$)/.test(text))
      throw this.malformed('a processing instruction has no name')
    if (/^xml(?:\s|$)/i.test(text)) this.checkDeclaration(text)
    this.at = found + 2
    return Token.nothing
  }

  private checkDeclaration(text: string): void {
    if (this.offset + this.at > byteOrderMarkBytes) throw this.malformed('it begins a second time')
    const encoding = /\sencoding\s*=\s*["']([^"']*)/.exec(text)?.[1] ?? 'UTF-8'
    if (/^(utf-8|us-ascii)$/i.test(encoding)) return
    throw this.malformed(`it says that it is ${encoding.slice(0, 40)}, not UTF-8`)
  }
}

const comment = Buffer.from('<!--')
const cdata = Buffer.from('<![CDATA[')
const byteOrderMarkBytes = 3

const lessThan = 0x3c
const greaterThan = 0x3e
const ampersand = 0x26
const slash = 0x2f
const exclamation = 0x21
const question = 0x3f
const colon = 0x3a
const closeBracket = 0x5d
