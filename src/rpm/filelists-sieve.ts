/** More paths than this are not looked for one by one: reading everything is as quick then. */
const mostPaths = 16

/** What could be written in another way than as it is, or stand for something else. */
const ambiguous = /[&<>"'\u0000-\u001f\ufffd]/

/**
 * Letters of all markup by which text could be there without its own letters standing together: comments, CDATA,
 * instructions, references. They are as good as never there, and a single one is looked for many times as quickly as two.
 */
const markup = Array.from('!?&', (letter) => letter.charCodeAt(0))

const packageEnd = Buffer.from('</package>')

/**
 * Passes over packages of a filelists.xml that cannot have a wanted path, by looking for its letters: many times as
 * quick as reading tags, of which a large distribution has millions. What it passes over is not looked at as XML.
 */
export class FilelistsSieve {
  private readonly needles: readonly Buffer[] | undefined

  constructor(paths: ReadonlySet<string>) {
    const isUsable = paths.size <= mostPaths && ![...paths].some((path) => path === '' || ambiguous.test(path))
    this.needles = isUsable ? [...paths].map((path) => Buffer.from(path)) : undefined
  }

  /** How many of the bytes, which begin between two packages, end with a package and are of no use; 0 when some may be. */
  pass(bytes: Buffer): number {
    const { needles } = this
    if (needles === undefined) return 0
    const last = bytes.lastIndexOf(packageEnd)
    if (last < 0) return 0
    const end = last + packageEnd.length
    const whole = bytes.subarray(0, end)
    if (markup.some((letter) => whole.includes(letter))) return 0
    return needles.some((needle) => whole.includes(needle)) ? 0 : end
  }
}
