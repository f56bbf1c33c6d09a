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
