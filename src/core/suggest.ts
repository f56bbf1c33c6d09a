/**
 * The candidate that someone who wrote `word` most likely meant, or undefined when none is near enough.
 * Upper and lower case count as the same; swapped neighbours count as one mistake (Damerau–Levenshtein, optimal
 * string alignment). Of several equally near, one of the same letters wins, then the one that shares the longest beginning,
 * then the first in code-unit order, so that the order of the candidates does not matter. About 10 ms over 60,000 package names.
 *
 * `maxDistance`: most mistakes to forgive. Default: one for every three letters, at least 1, at most 3.
 */
export function closest(
  word: string,
  candidates: Iterable<string>,
  maxDistance: number = Math.min(3, Math.max(1, Math.floor(word.length / 3))),
): string | undefined {
  if (word.length > longestWord) return undefined
  const folded = word.toLowerCase()
  let best: string | undefined
  let bestDistance = maxDistance
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > bestDistance) continue
    const distance = editDistance(folded, candidate.toLowerCase(), bestDistance)
    // A distance as long as the word itself replaces every letter: `ab` does not mean `xy`.
    if (distance > bestDistance || distance >= Math.max(word.length, candidate.length)) continue
    if (best === undefined || distance < bestDistance || isNearer(word, candidate, best)) best = candidate
    bestDistance = distance
  }
  return best
}

const longestWord = 256

function isNearer(word: string, candidate: string, best: string): boolean {
  const letters = lettersOf(word)
  const difference =
    Number(lettersOf(candidate) === letters) - Number(lettersOf(best) === letters) ||
    sharedStart(word, candidate) - sharedStart(word, best)
  return difference > 0 || (difference === 0 && candidate < best)
}

/** In order: what was swapped is the same again. */
function lettersOf(word: string): string {
  return Array.from(word.toLowerCase()).sort().join('')
}

function sharedStart(left: string, right: string): number {
  let length = 0
  while (length < left.length && left.charCodeAt(length) === right.charCodeAt(length)) length++
  return length
}

let rows: [Uint16Array, Uint16Array, Uint16Array] = [
  new Uint16Array(longestWord + 8),
  new Uint16Array(longestWord + 8),
  new Uint16Array(longestWord + 8),
]

/** Mistakes between two words; any number above `limit` when there are more than that. */
export function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1
  if (left === right) return 0
  if (right.length >= rows[0].length) rows = [row(right.length), row(right.length), row(right.length)]
  let [beforePrevious, previous, current] = rows
  for (let j = 0; j <= right.length; j++) previous[j] = j
  for (let i = 1; i <= left.length; i++) {
    const from = Math.max(1, i - limit)
    const to = Math.min(right.length, i + limit)
    current[from - 1] = from === 1 ? i : limit + 1
    let smallest = current[from - 1]!
    for (let j = from; j <= to; j++) {
      const same = left.charCodeAt(i - 1) === right.charCodeAt(j - 1)
      let cost = previous[j - 1]! + (same ? 0 : 1)
      // Outside of the band of `limit` around the diagonal no way is short enough.
      if (j < i + limit) cost = Math.min(cost, previous[j]! + 1)
      cost = Math.min(cost, current[j - 1]! + 1)
      if (!same && isSwap(left, right, i, j)) cost = Math.min(cost, beforePrevious[j - 2]! + 1)
      current[j] = cost
      if (cost < smallest) smallest = cost
    }
    if (smallest > limit) return limit + 1
    ;[beforePrevious, previous, current] = [previous, current, beforePrevious]
  }
  return previous[right.length]!
}

function row(length: number): Uint16Array {
  return new Uint16Array(length + 8)
}

function isSwap(left: string, right: string, i: number, j: number): boolean {
  if (i < 2 || j < 2) return false
  return left.charCodeAt(i - 1) === right.charCodeAt(j - 2) && left.charCodeAt(i - 2) === right.charCodeAt(j - 1)
}
