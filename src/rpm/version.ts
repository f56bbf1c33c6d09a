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
  const [parts, others] = [partsOf(a), partsOf(b)]
  for (let at = 0; ; at++) {
    const [part, other] = [parts[at], others[at]]
    if (part === undefined && other === undefined) return 0
    const rank = rankOf(part)
    const order =
      rank - rankOf(other) || (rank === Rank.digits ? compareDigits(part!, other!) : compareText(part, other))
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

const Rank = { tilde: 0, nothing: 1, caret: 2, letters: 3, digits: 4 } as const

function partsOf(version: string): readonly string[] {
  return version.match(/\d+|[A-Za-z]+|[~^]/g) ?? []
}

function rankOf(part: string | undefined): number {
  if (part === undefined) return Rank.nothing
  if (part === '~') return Rank.tilde
  if (part === '^') return Rank.caret
  return part.charCodeAt(0) <= 0x39 ? Rank.digits : Rank.letters
}

/** Of any length: without leading zeroes the longer is the greater. */
function compareDigits(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  return x.length - y.length || compareText(x, y)
}

function compareText(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}
