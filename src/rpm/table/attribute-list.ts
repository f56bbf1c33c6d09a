import { ByteHeap } from '../../table/index.ts'
import { isName, isNameStart, isSpace } from './xml-class.ts'
import { decodeText, hasBadReference } from './xml-reference.ts'

/** More than any tag has. */
const maxAttributes = 64

/** The attributes of one tag, as places in its bytes. Overwritten by the next tag. */
export class AttributeList {
  count = 0
  readonly nameStart = new Int32Array(maxAttributes)
  readonly nameEnd = new Int32Array(maxAttributes)
  readonly valueStart = new Int32Array(maxAttributes)
  readonly valueEnd = new Int32Array(maxAttributes)
  /** 1 where the value has a reference: `&lt;`. */
  readonly hasReference = new Uint8Array(maxAttributes)
  /** Whether there was, since it was last set to false, a reference to nothing. */
  hasBadReference = false
  private bytes: Buffer = Buffer.alloc(0)

  clear(bytes: Buffer): void {
    this.bytes = bytes
    this.count = 0
  }

  /** Takes the attribute at a place. The place behind it; `end` when it goes on beyond; or what is wrong with it. */
  read(at: number, end: number): number | string {
    const { bytes } = this
    const nameStart = at
    if (isNameStart[bytes[at]!] === 0) return 'an attribute has no name'
    while (at < end && isName[bytes[at]!] === 1) at++
    const nameEnd = at
    at = skipSpace(bytes, at, end)
    if (at >= end) return end
    if (bytes[at] !== equals) return 'an attribute has no value'
    at = skipSpace(bytes, at + 1, end)
    if (at >= end) return end
    const quote = bytes[at]
    if (quote !== doubleQuote && quote !== singleQuote) return 'the value of an attribute has no quotes'
    const { count } = this
    if (count === maxAttributes) return `a tag has more than ${maxAttributes} attributes`
    if (this.has(nameStart, nameEnd)) return 'a tag has an attribute twice'
    this.nameStart[count] = nameStart
    this.nameEnd[count] = nameEnd
    this.valueStart[count] = at + 1
    return this.readValue(at + 1, end, quote)
  }

  /** The decoded value of an attribute by its whole name. */
  value(name: string): string | undefined {
    const index = this.indexOf(name)
    return index < 0 ? undefined : this.valueAt(index)
  }

  /** Whether an attribute is there and has a value, written without references. Makes no string of it. */
  hasValue(name: string, value: string): boolean {
    const index = this.indexOf(name)
    return index >= 0 && this.isText(this.valueStart[index]!, this.valueEnd[index]!, value)
  }

  /** The number that an attribute is, of 1 to 15 decimal digits; -1 for anything else. */
  number(name: string): number {
    const index = this.indexOf(name)
    if (index < 0) return -1
    const start = this.valueStart[index]!
    const end = this.valueEnd[index]!
    if (end === start || end - start > 15) return -1
    let number = 0
    for (let at = start; at < end; at++) {
      const digit = this.bytes[at]! - zero
      if (digit < 0 || digit > 9) return -1
      number = number * 10 + digit
    }
    return number
  }

  /** What `xmlns` and `xmlns:…` bind; '' is the default namespace. */
  namespaces(): Record<string, string> {
    const found: [string, string][] = []
    for (let index = 0; index < this.count; index++) {
      const name = this.bytes.toString('utf8', this.nameStart[index], this.nameEnd[index])
      if (name === 'xmlns') found.push(['', this.valueAt(index)])
      else if (name.startsWith('xmlns:')) found.push([name.slice('xmlns:'.length), this.valueAt(index)])
    }
    return Object.fromEntries(found)
  }

  private readValue(start: number, end: number, quote: number): number | string {
    const { bytes, count } = this
    let at = start
    let hasReference = 0
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte === quote) break
      if (byte === ampersand) hasReference = 1
      else if (byte === lessThan) return 'the value of an attribute has a < in it'
    }
    if (at >= end) return end
    if (hasReference === 1) this.hasBadReference ||= hasBadReference(bytes, start, at)
    this.valueEnd[count] = at
    this.hasReference[count] = hasReference
    this.count = count + 1
    return at + 1
  }

  private has(start: number, end: number): boolean {
    const { bytes, nameStart, nameEnd } = this
    for (let other = 0; other < this.count; other++) {
      const from = nameStart[other]!
      if (nameEnd[other]! - from === end - start && isSame(bytes, { from, start, end })) return true
    }
    return false
  }

  private indexOf(name: string): number {
    for (let index = 0; index < this.count; index++)
      if (this.isText(this.nameStart[index]!, this.nameEnd[index]!, name)) return index
    return -1
  }

  private isText(start: number, end: number, text: string): boolean {
    if (end - start !== text.length) return false
    for (let i = 0; i < text.length; i++) if (this.bytes[start + i] !== text.charCodeAt(i)) return false
    return true
  }

  private valueAt(index: number): string {
    const start = this.valueStart[index]!
    const end = this.valueEnd[index]!
    if (this.hasReference[index] === 0) return this.bytes.toString('utf8', start, end)
    const decoded = new ByteHeap(end - start)
    decodeText(this.bytes, { start, end }, decoded)
    return decoded.values().toString('utf8')
  }
}

/** Whether the bytes at `from` are those of `[start, end)`. */
export function isSame(bytes: Buffer, { from, start, end }: { from: number; start: number; end: number }): boolean {
  for (let i = start, j = from; i < end; i++, j++) if (bytes[i] !== bytes[j]) return false
  return true
}

function skipSpace(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && isSpace[bytes[at]!] === 1) at++
  return at
}

const equals = 0x3d
const zero = 0x30
const ampersand = 0x26
const lessThan = 0x3c
const doubleQuote = 0x22
const singleQuote = 0x27
