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
  const byUnits = !items.some((item) => surrogate.test(item.path))
  const compare = byUnits ? compareUnits : comparePaths
  for (let index = 1; index < items.length; index++) {
    if (compare(items[index - 1]!.path, items[index]!.path) > 0) return items.sort((a, b) => compare(a.path, b.path))
  }
  return items
}

function compareUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** As memcmp(3) over UTF-8. */
export function comparePaths(a: string, b: string): number {
  if (!surrogate.test(a) && !surrogate.test(b)) return compareUnits(a, b)
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

const surrogate = /[\ud800-\udfff]/

/**
 * Order of a path in bytes and a part of other bytes. A loop, since a search makes some sixteen comparisons that
 * end early, and the way into Buffer.compare costs more than each of them.
 */
export function compareBytes(path: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
  const length = Math.min(path.length, end - start)
  for (let index = 0; index < length; index++) {
    const difference = path[index]! - bytes[start + index]!
    if (difference !== 0) return difference
  }
  return path.length - (end - start)
}
