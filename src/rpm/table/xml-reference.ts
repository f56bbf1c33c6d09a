import type { ByteHeap } from '../../table/index.ts'

const ampersand = 0x26
const semicolon = 0x3b
const lessThan = 0x3c
const greaterThan = 0x3e
const [letterA, letterG, letterL, letterM, letterP, letterT] = [0x61, 0x67, 0x6c, 0x6d, 0x70, 0x74]

/** Longer than any that means something. */
const maxReferenceBytes = 12

const named: Readonly<Record<string, number>> = { lt: 0x3c, gt: 0x3e, amp: 0x26, quot: 0x22, apos: 0x27 }

/** Whether there is an `&` that begins none of XML's own entities and no character that XML allows. */
export function hasBadReference(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++)
    if (bytes[at] === ampersand && characterOf(bytes, at, referenceEnd(bytes, at, end)) === undefined) return true
  return false
}

/** Appends text as it is meant: `&lt;` as `<`. References to nothing are left as they stand. */
export function decodeText(bytes: Buffer, range: { start: number; end: number }, to: ByteHeap): void {
  const { end } = range
  let from = range.start
  for (let at = from; at < end; at++) {
    if (bytes[at] !== ampersand) continue
    const stop = referenceEnd(bytes, at, end)
    const character = characterOf(bytes, at, stop)
    if (character === undefined) continue
    to.append(bytes, from, at)
    const decoded = Buffer.from(String.fromCodePoint(character))
    to.append(decoded, 0, decoded.length)
    from = stop
    at = stop - 1
  }
  to.append(bytes, from, end)
}

/** The place behind the semicolon; that of the `&` when there is none near. */
function referenceEnd(bytes: Buffer, start: number, end: number): number {
  const limit = Math.min(end, start + maxReferenceBytes)
  for (let at = start + 1; at < limit; at++) if (bytes[at] === semicolon) return at + 1
  return start
}

function characterOf(bytes: Buffer, start: number, end: number): number | undefined {
  if (end === start) return undefined
  const second = bytes[start + 2]
  // Nearly all of them, without a string.
  if (end - start === 4 && second === letterT) {
    if (bytes[start + 1] === letterL) return lessThan
    if (bytes[start + 1] === letterG) return greaterThan
  }
  if (end - start === 5 && bytes[start + 1] === letterA && second === letterM && bytes[start + 3] === letterP)
    return ampersand
  const name = bytes.toString('latin1', start + 1, end - 1)
  const number = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name)
  if (number === null) return Object.hasOwn(named, name) ? named[name] : undefined
  const [, hex, decimal] = number
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
  return isCharacter(code) ? code : undefined
}

/** `Char` of XML 1.0. */
function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}
