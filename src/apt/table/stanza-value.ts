import type { FieldId } from './field.ts'
import type { Stanza } from './scan-stanzas.ts'

const comma = 0x2c

/** Calls back with each trimmed item that is not empty. */
export function splitAtCommas(stanza: Stanza, field: FieldId, accept: (start: number, end: number) => void): void {
  const { bytes } = stanza
  const end = stanza.valueEnd[field]!
  for (let at = stanza.valueStart[field]!; at < end;) {
    let next = at
    while (next < end && bytes[next] !== comma) next++
    let last = next
    while (at < last && bytes[at]! <= 0x20) at++
    while (last > at && bytes[last - 1]! <= 0x20) last--
    if (last > at) accept(at, last)
    at = next + 1
  }
}

/** Writes the bytes that `[start, start + 2 * count)` spells in hex; false when any of it is no hex digit. */
export function decodeHex(
  bytes: Buffer,
  start: number,
  { heap, at, count }: { heap: Buffer; at: number; count: number },
): boolean {
  let all = 0
  for (let i = 0; i < count; i++) {
    const high = hexDigits[bytes[start + 2 * i]!]!
    const low = hexDigits[bytes[start + 2 * i + 1]!]!
    all |= high | low
    heap[at + i] = (high << 4) | low
  }
  return all >= 0
}

/** By byte; -1 for what is none. */
const hexDigits = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16)
  hexDigits[text.charCodeAt(0)] = hexDigits[text.toUpperCase().charCodeAt(0)] = digit
}

export function decimal(stanza: Stanza, field: FieldId): number {
  let value = 0
  for (let i = stanza.valueStart[field]!; i < stanza.valueEnd[field]!; i++)
    value = value * 10 + (stanza.bytes[i]! - 0x30)
  return value
}

export function isYes(stanza: Stanza, field: FieldId): boolean {
  return oneOf(stanza, field, yes) === 'yes'
}
const yes = ['yes'] as const

export function oneOf<Word extends string>(stanza: Stanza, field: FieldId, words: readonly Word[]): Word | undefined {
  const start = stanza.valueStart[field]!
  const length = stanza.valueEnd[field]! - start
  if (length === 0) return undefined
  return words.find((word) => word.length === length && isSameWord(stanza.bytes, start, word))
}

function isSameWord(bytes: Buffer, start: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if ((bytes[start + i]! | 0x20) !== word.charCodeAt(i)) return false
  return true
}
