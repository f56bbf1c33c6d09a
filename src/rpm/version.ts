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
  for (let at = 0, place = 0; ;) {
    at = skipSeparators(a, at)
    place = skipSeparators(b, place)
    const rank = rankAt(a, at)
    const difference = rank - rankAt(b, place)
    if (difference !== 0 || rank === Rank.nothing) return difference
    const [end, stop] = [endOfPart(a, at, rank), endOfPart(b, place, rank)]
    const [part, other] = [a.slice(at, end), b.slice(place, stop)]
    const order = rank === Rank.digits ? compareDigits(part, other) : compareText(part, other)
    if (order !== 0) return order
    at = end
    place = stop
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

const Rank = { tilde: 0, nothing: 1, caret: 2, letters: 3, digits: 4 } as const

function skipSeparators(text: string, start: number): number {
  let at = start
  while (at < text.length && rankAt(text, at) === Rank.nothing) at++
  return at
}

/** Of the part that begins here; nothing for a separator, and at the end. */
function rankAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return Rank.digits
  if ((code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)) return Rank.letters
  return code === 0x7e ? Rank.tilde : code === 0x5e ? Rank.caret : Rank.nothing
}

function endOfPart(text: string, start: number, rank: number): number {
  let at = start + 1
  if (rank === Rank.digits || rank === Rank.letters) while (rankAt(text, at) === rank) at++
  return at
}

/** Of any length: without leading zeroes the longer is the greater. */
function compareDigits(a: string, b: string): number {
  if (a.length < 16 && b.length < 16) return Number(a) - Number(b)
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  return x.length - y.length || compareText(x, y)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
