import { LarderError } from '../core/index.ts'

/** Longest path, in bytes of UTF-8: PATH_MAX of Linux, so that every tree can be exported. */
const maxPathBytes = 4096

const forbidden = /[\u0000-\u001f\u007f\\]|(^|\/)\.{0,2}(\/|$)/

/** Throws unless the path may stand in a tree: relative, no empty, `.` or `..` part, no control character, no backslash. TREE_PATH_REFUSED. */
export function checkTreePath(path: string): void {
  const reason = refusalOf(path)
  if (reason === undefined) return
  throw new LarderError('TREE_PATH_REFUSED', {
    message: `The path ${JSON.stringify(path.slice(0, 200))} cannot be published: ${reason}.`,
    context: { path: path.slice(0, 200) },
  })
}

function refusalOf(path: string): string | undefined {
  if (forbidden.test(path))
    return 'it must be relative, without empty, "." or ".." parts, control characters and backslashes'
  if (!path.isWellFormed()) return 'it is not well-formed Unicode'
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (path.length * 3 > maxPathBytes && Buffer.byteLength(path) > maxPathBytes)
    return `it is longer than ${maxPathBytes} bytes`
  return undefined
}

/** Sorts by the bytes of UTF-8. Without surrogates that is the order of UTF-16 units, which is much quicker. */
export function sortByPath<T extends { path: string }>(items: T[]): T[] {
  if (isSorted(items)) return items
  const byUnits = items.every((item) => !surrogate.test(item.path))
  return items.sort(
    byUnits ? (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0) : (a, b) => comparePaths(a.path, b.path),
  )
}

/** As memcmp(3) over UTF-8. */
export function comparePaths(a: string, b: string): number {
  if (!surrogate.test(a) && !surrogate.test(b)) return a < b ? -1 : a > b ? 1 : 0
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

const surrogate = /[\ud800-\udfff]/

function isSorted(items: readonly { path: string }[]): boolean {
  for (let index = 1; index < items.length; index++) {
    if (comparePaths(items[index - 1]!.path, items[index]!.path) > 0) return false
  }
  return true
}
