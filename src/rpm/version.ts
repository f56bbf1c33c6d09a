/**
 * Versions of RPM packages. Source: rpm-version(7), and `rpm.vercmp`, which is asked in test/oracle.
 */
export interface Evr {
  /** Digits; `0` when none is written. */
  epoch: string
  version: string
  /** `''` when none is written: a dependency need not name one. */
  release: string
}

/**
 * Compares versions or releases: negative, 0 or positive. Stretches of digits and of letters are compared in turn,
 * and what stands between them only parts them. Digits are numbers, and newer than letters. `~` is older than
 * nothing; `^` is newer than nothing, and older than anything else that goes on.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0
  let i = 0
  let j = 0
  for (;;) {
    while (i < a.length && isSeparator(a.charCodeAt(i))) i++
    while (j < b.length && isSeparator(b.charCodeAt(j))) j++
    const [x, y] = [charCode(a, i), charCode(b, j)]
    if (x === tilde || y === tilde) {
      if (x !== y) return x === tilde ? -1 : 1
      i++
      j++
      continue
    }
    if (x === caret || y === caret) {
      if (x !== y) return x === caret ? (y === end ? 1 : -1) : x === end ? -1 : 1
      i++
      j++
      continue
    }
    if (x === end || y === end) return x === y ? 0 : x === end ? -1 : 1
    const isNumber = isDigit(x)
    const [from, fromOther] = [i, j]
    const isPart = isNumber ? isDigit : isLetter
    while (i < a.length && isPart(a.charCodeAt(i))) i++
    while (j < b.length && isPart(b.charCodeAt(j))) j++
    // The other begins with something else: numbers are newer.
    if (j === fromOther) return isNumber ? 1 : -1
    const order = isNumber
      ? compareDigits(a, from, i, b, fromOther, j)
      : compareText(a.slice(from, i), b.slice(fromOther, j))
    if (order !== 0) return order
  }
}

/** Epoch, version and release; a part that one of the two does not name is still compared, as the empty one. */
export function compareEvr(a: Evr, b: Evr): number {
  return (
    compareVersions(a.epoch, b.epoch) || compareVersions(a.version, b.version) || compareVersions(a.release, b.release)
  )
}

/** `1:2.0-3.el9`, `2.0`, `2.0-3`. Digits before a colon are the epoch; the release begins at the last hyphen. */
export function parseEvr(text: string): Evr {
  const colon = /^\d*:/.exec(text)?.[0].length ?? 0
  const hyphen = text.lastIndexOf('-')
  const hasRelease = hyphen >= colon
  return {
    epoch: colon > 1 ? text.slice(0, colon - 1).replace(/^0+(?=\d)/, '') : '0',
    version: text.slice(colon, hasRelease ? hyphen : undefined),
    release: hasRelease ? text.slice(hyphen + 1) : '',
  }
}

/** `2.0-3.el9`; the epoch only when it is not 0, the release only when there is one. */
export function formatEvr({ epoch, version, release }: Evr): string {
  return `${epoch === '0' || epoch === '' ? '' : `${epoch}:`}${version}${release === '' ? '' : `-${release}`}`
}

const end = -1
const tilde = 0x7e
const caret = 0x5e

function charCode(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : end
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}

function isSeparator(code: number): boolean {
  return !isDigit(code) && !isLetter(code) && code !== tilde && code !== caret
}

/** Of any length: without leading zeroes the longer is the greater. */
function compareDigits(a: string, from: number, to: number, b: string, fromB: number, toB: number): number {
  while (from < to && a.charCodeAt(from) === 0x30) from++
  while (fromB < toB && b.charCodeAt(fromB) === 0x30) fromB++
  return to - from - (toB - fromB) || compareText(a.slice(from, to), b.slice(fromB, toB))
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
