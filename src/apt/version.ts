import { LarderError } from '../core/index.ts'
import type { RelationOperator } from './relation.ts'

declare const brand: unique symbol

/** A version that `parseVersion` accepts. */
export type DebVersion = string & { readonly [brand]: 'DebVersion' }

export interface VersionParts {
  /** Digits; `0` when the version names none. */
  epoch: string
  upstream: string
  /** Empty when the version has no hyphen. */
  revision: string
}

/**
 * Splits `[epoch:]upstream[-revision]`: the epoch ends at the first colon, the revision begins after the last hyphen.
 * Strict: what dpkg only warns of is refused. Source: deb-version(7).
 *
 * @throws APT_VERSION_MALFORMED
 */
export function parseVersion(text: string): VersionParts {
  const colon = text.indexOf(':')
  const hyphen = text.lastIndexOf('-')
  const parts = {
    epoch: colon < 0 ? '0' : text.slice(0, colon),
    upstream: text.slice(colon + 1, hyphen > colon ? hyphen : undefined),
    revision: hyphen > colon ? text.slice(hyphen + 1) : '',
  }
  const fault = faultOf(parts, hyphen > colon)
  if (fault !== undefined) throw malformed(text, fault)
  return parts
}

export function isVersion(text: string): text is DebVersion {
  const colon = text.indexOf(':')
  const hyphen = text.lastIndexOf('-')
  const hasRevision = hyphen > colon
  const epoch = colon < 0 ? '0' : text.slice(0, colon)
  const upstream = text.slice(colon + 1, hasRevision ? hyphen : undefined)
  return faultOf({ epoch, upstream, revision: text.slice(hyphen + 1) }, hasRevision) === undefined
}

/** How a relation of the form `(>= 1.2)` judges a version. */
export function satisfies(version: string, operator: RelationOperator, wanted: string): boolean {
  const order = compareVersions(version, wanted)
  switch (operator) {
    case '=':
      return order === 0
    case '>=':
      return order >= 0
    case '<=':
      return order <= 0
    case '>>':
      return order > 0
    case '<<':
      return order < 0
  }
}

/**
 * The order of dpkg: epochs as numbers, then upstream versions, then revisions, where a missing epoch is 0 and a
 * missing revision sorts like 0. Also defined for versions that `parseVersion` refuses, and a total order over all
 * strings. Allocates nothing. Source: deb-version(7), "Sorting algorithm".
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  const startA = skipBlanks(a)
  const startB = skipBlanks(b)
  const endA = dropBlanks(a)
  const endB = dropBlanks(b)
  const colonA = epochEnd(a, startA, endA)
  const colonB = epochEnd(b, startB, endB)
  if (colonA >= 0 || colonB >= 0) {
    const order = comparePart(a, startA, colonA < 0 ? startA : colonA, b, startB, colonB < 0 ? startB : colonB)
    if (order !== 0) return order
  }
  const upstreamA = colonA < 0 ? startA : colonA + 1
  const upstreamB = colonB < 0 ? startB : colonB + 1
  const hyphenA = lastHyphen(a, upstreamA, endA)
  const hyphenB = lastHyphen(b, upstreamB, endB)
  const order = comparePart(a, upstreamA, hyphenA, b, upstreamB, hyphenB)
  if (order !== 0) return order
  return comparePart(a, Math.min(hyphenA + 1, endA), endA, b, Math.min(hyphenB + 1, endB), endB)
}

/** One part: runs of other characters and runs of digits in turn; digits as numbers of any length. */
// oxlint-disable-next-line max-params, complexity -- called millions of times: makes no objects, calls little
function comparePart(a: string, from: number, endA: number, b: string, fromB: number, endB: number): -1 | 0 | 1 {
  let i = from
  let j = fromB
  while (i < endA || j < endB) {
    for (;;) {
      const weightA = i < endA ? weightOf(a.charCodeAt(i)) : 0
      const weightB = j < endB ? weightOf(b.charCodeAt(j)) : 0
      if (weightA !== weightB) return weightA < weightB ? -1 : 1
      if (weightA === 0) break
      i++
      j++
    }
    while (i < endA && a.charCodeAt(i) === zero) i++
    while (j < endB && b.charCodeAt(j) === zero) j++
    let difference = 0
    while (i < endA && j < endB) {
      const digitA = a.charCodeAt(i)
      const digitB = b.charCodeAt(j)
      if (!isDigit(digitA) || !isDigit(digitB)) break
      if (difference === 0) difference = digitA - digitB
      i++
      j++
    }
    if (i < endA && isDigit(a.charCodeAt(i))) return 1
    if (j < endB && isDigit(b.charCodeAt(j))) return -1
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return 0
}

const zero = 0x30

/** `~` before the end of the part, a digit like the end, letters, then all else. */
function weightOf(code: number): number {
  if (isDigit(code)) return 0
  if (isLetter(code)) return code
  return code === 0x7e ? -1 : code + 0x10000
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
}

/** Index of the colon that ends an epoch of digits, or -1. */
function epochEnd(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x3a) return i
    if (!isDigit(code)) return -1
  }
  return -1
}

function lastHyphen(text: string, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) if (text.charCodeAt(i) === 0x2d) return i
  return end
}

function skipBlanks(text: string): number {
  let start = 0
  while (start < text.length && isBlank(text.charCodeAt(start))) start++
  return start
}

function dropBlanks(text: string): number {
  let end = text.length
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--
  return end
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** What dpkg holds epochs in. */
const largestEpoch = 2 ** 31 - 1

function faultOf({ epoch, upstream, revision }: VersionParts, hasRevision: boolean): string | undefined {
  if (!isAll(epoch, isDigit)) return epoch === '' ? 'nothing before the colon' : `epoch "${epoch}" is not a number`
  if (epoch === '') return 'nothing before the colon'
  if (Number(epoch) > largestEpoch) return `epoch ${epoch} is larger than ${largestEpoch}`
  if (upstream === '') return 'upstream version is empty'
  if (!isDigit(upstream.charCodeAt(0))) return 'upstream version does not start with a digit'
  if (!isAll(upstream, isUpstreamCharacter)) return 'a character other than A-Z a-z 0-9 . + - : ~'
  if (hasRevision && revision === '') return 'nothing after the last hyphen'
  if (hasRevision && !isAll(revision, isRevisionCharacter)) return 'a revision may hold only A-Z a-z 0-9 . + ~'
  return undefined
}

function isAll(text: string, accepts: (code: number) => boolean): boolean {
  for (let i = 0; i < text.length; i++) if (!accepts(text.charCodeAt(i))) return false
  return true
}

function isUpstreamCharacter(code: number): boolean {
  return isRevisionCharacter(code) || code === 0x2d || code === 0x3a
}

function isRevisionCharacter(code: number): boolean {
  return isDigit(code) || isLetter(code) || code === 0x2e || code === 0x2b || code === 0x7e
}

function malformed(text: string, fault: string): LarderError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  return new LarderError('APT_VERSION_MALFORMED', {
    message: `${shown} is not a Debian version: ${fault}.`,
    hint: 'Versions look like 1.22.1-9 or 2:8.4+dfsg-1~deb12u1.',
    context: { version: text.slice(0, 80) },
  })
}
