import { type Header, HeaderFault, introductionBytes } from './header.ts'

/** The entry that comes first, by which header: it says which entries were there when the header was made. */
export type RegionTag = 62 | 63

/**
 * As strict as rpm: a package that clients would refuse must not be published. Reading one needs none of this.
 *
 * @throws HeaderFault
 */
export function checkStructure({ bytes }: Header, region: RegionTag): void {
  if (bytes.readUInt32BE(4) !== 0) throw new HeaderFault('bytes of a header that must be zero are not')
  const entryCount = bytes.readUInt32BE(8)
  const store = bytes.subarray(introductionBytes + entryCount * entryBytes)
  checkRegion(bytes, store, { region, entryCount })
  let end = 0
  for (let index = 1; index < entryCount; index++) {
    const entry = entryAt(bytes, introductionBytes + index * entryBytes)
    if (entry.offset < end) throw new HeaderFault(`entry ${entry.tag} overlaps with another`)
    end = endOf(entry, store)
    if (entry.tag < firstTag || end > store.length) throw new HeaderFault(`entry ${entry.tag} is damaged`)
  }
}

export const entryBytes = 16
/** Below are regions only. */
const firstTag = 100
/** Width of a value by type: null, char, int8, int16, int32, int64, string, bin, string array, i18n string. */
export const widths = [0, 1, 1, 2, 4, 8, 1, 1, 1, 1]
const binary = 7
/** What the end of a signature header is called by some old builders. */
const headerImage = 61

/** An entry of the index; `offset` is one of the store. */
export interface IndexEntry {
  tag: number
  type: number
  offset: number
  count: number
}

export function entryAt(bytes: Buffer, at: number): IndexEntry {
  return {
    tag: bytes.readUInt32BE(at),
    type: bytes.readUInt32BE(at + 4),
    offset: bytes.readInt32BE(at + 8),
    count: bytes.readUInt32BE(at + 12),
  }
}

/** The first entry leads to a copy of itself, whose offset leads back: over all entries of the region. */
function checkRegion(
  bytes: Buffer,
  store: Buffer,
  { region, entryCount }: { region: RegionTag; entryCount: number },
): void {
  const first = entryAt(bytes, introductionBytes)
  if (first.tag !== region || first.type !== binary || first.count !== entryBytes)
    throw new HeaderFault('a header does not begin with its region')
  if (first.offset < 0 || first.offset + entryBytes > store.length)
    throw new HeaderFault('the region of a header does not end in it')
  const last = entryAt(store, first.offset)
  const isNamed = last.tag === region || (region === 62 && last.tag === headerImage)
  const covered = -last.offset / entryBytes
  // Whoever signs again may add to a signature header; to the package itself nobody may.
  const isWhole =
    region === 63 ? covered === entryCount : Number.isInteger(covered) && covered > 0 && covered <= entryCount
  if (!isNamed || last.type !== binary || last.count !== entryBytes || !isWhole)
    throw new HeaderFault('the region of a header is damaged')
}

/** Where its value ends in the store. @throws HeaderFault */
export function endOf({ tag, type, offset, count }: IndexEntry, store: Buffer): number {
  const width = widths[type]
  if (width === undefined || width === 0 || count === 0 || offset % width !== 0)
    throw new HeaderFault(`entry ${tag} is damaged`)
  if (type < 6 || type === binary) return offset + width * count
  if (type === 6 && count !== 1) throw new HeaderFault(`entry ${tag} is damaged`)
  let at = offset
  for (let left = count; left > 0 && at <= store.length; left--) {
    const nul = store.indexOf(0, at)
    if (nul < 0) throw new HeaderFault(`entry ${tag} is longer than its header`)
    at = nul + 1
  }
  return at
}
