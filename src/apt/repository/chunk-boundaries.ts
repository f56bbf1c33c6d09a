/**
 * Cuts a sorted list of names into chunks whose boundaries depend on the names near them and on nothing else, so
 * that one name more or less changes one chunk, rarely two, and the same list always gives the same chunks.
 * Answers the end index (exclusive) of each chunk. All entries of one name stay in one chunk.
 *
 * A chunk holds at least 64 entries, 128 on average, and is cut by force after 512. Measured on 63,000 stanzas of
 * a distribution (50 MB): 500 chunks of 100 KB; twice as large is 3 % smaller when compressed and costs twice the
 * time for each change, half as large is 3 % larger and doubles the number of blobs.
 */
export function chunkBoundaries(names: readonly string[]): number[] {
  const ends: number[] = []
  let start = 0
  for (let index = 1; index < names.length; index++) {
    const name = names[index]!
    if (index - start < leastEntries || name === names[index - 1]) continue
    if (index - start < mostEntries && hashName(name) % spread !== 0) continue
    ends.push(index)
    start = index
  }
  if (names.length > 0) ends.push(names.length)
  return ends
}

const leastEntries = 64
const mostEntries = 512
/** Every so manieth name may begin a chunk. */
const spread = 64

/** FNV-1a, then two rounds of mixing, since FNV's low bits alone are poor. */
function hashName(name: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}
