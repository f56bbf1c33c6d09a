import { isSpace } from './xml-class.ts'
import type { XmlCursor } from './xml-cursor.ts'

const [lessThan, greaterThan, slash, exclamation, question] = [0x3c, 0x3e, 0x2f, 0x21, 0x3f]

/**
 * Takes a cursor from behind the tag that opens an element to the one that closes it, without reading what is between
 * them, unless there are comments and the like, in which a tag is none: then the cursor stays. False when the bytes end
 * before either.
 */
export function passDullElement(cursor: XmlCursor): boolean {
  const { bytes, end } = cursor
  for (let at = cursor.at; at < end; at++) {
    if (bytes[at] !== lessThan) continue
    if (at + 1 === end) return false
    const second = bytes[at + 1]
    if (second === exclamation || second === question) return true
    if (second !== slash) continue
    const behind = endOfName(cursor, at + 2)
    if (behind >= end) return false
    if (behind < 0) continue
    cursor.at = at
    return true
  }
  return false
}

/** Behind the name of the open element, if it is that and ends there; `end` where it may go on; else -1. */
function endOfName({ bytes, nameStart, nameEnd, end }: XmlCursor, start: number): number {
  let at = start
  for (let from = nameStart; from < nameEnd && at < end; from++, at++) if (bytes[at] !== bytes[from]) return -1
  if (at === end) return end
  return bytes[at] === greaterThan || isSpace[bytes[at]!] === 1 ? at : -1
}
