/**
 * Cuts a sorted list of names into chunks whose boundaries depend on the names near them and on nothing else, so
 * that one name more or less changes one chunk, rarely two, and the same list always gives the same chunks.
 * Answers the end index (exclusive) of each chunk. All entries of one name stay in one chunk.
 *
 * A chunk holds at least 64 entries, 128 on average, and is cut by force after 512. Measured on 63,000 stanzas of
 * a distribution (50 MB): 500 chunks of 100 KB; twice as large is 3 % smaller when compressed and costs twice the
 * time for each change, half as large is 3 % larger and doubles the number of blobs.
 */
export function chunkBoundaries(items: readonly Cuttable[]): number[] {
  const ends: number[] = []
  let start = 0
  for (let index = leastEntries; index < items.length; index++) {
    const item = items[index]!
    if (index - start < leastEntries) continue
    if (!item.mayBegin && index - start < mostEntries) continue
    if (item.name === items[index - 1]!.name) continue
    ends.push(index)
    start = index
  }
  if (items.length > 0) ends.push(items.length)
  return ends
}

export interface Cuttable {
  name: string
  /** What `mayBeginChunk` says of the name. */
  mayBegin: boolean
}

/** FNV-1a, then two rounds of mixing, since FNV's low bits alone are poor. One name in 64. */
export function mayBeginChunk(name: string): boolean {
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return ((hash ^ (hash >>> 16)) & 63) === 0
}

const leastEntries = 64
const mostEntries = 512
