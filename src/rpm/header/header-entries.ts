import { endOf, entryAt, entryBytes, widths, type RegionTag } from './check-structure.ts'
import { headerMagic, introductionBytes, type Header } from './header.ts'

/** What a header says under one tag, with its value as it is stored. */
export interface HeaderEntry {
  tag: number
  /** As the format numbers types: 4 of int32, 7 of bin. */
  type: number
  /** Of values; of bytes, when the type is bin. */
  count: number
  bytes: Buffer
}

/** All entries but the region, in their order. The structure has been checked. */
export function readEntries({ bytes }: Header, region: RegionTag): HeaderEntry[] {
  const entryCount = bytes.readUInt32BE(8)
  const store = bytes.subarray(introductionBytes + entryCount * entryBytes)
  return Array.from({ length: entryCount }, (_, index) => entryAt(bytes, introductionBytes + index * entryBytes))
    .filter(({ tag }) => tag !== region)
    .map((entry) => {
      const { tag, type, count, offset } = entry
      return { tag, type, count, bytes: store.subarray(offset, endOf(entry, store)) }
    })
}

const binary = 7

/**
 * A header of these entries, with a region over all of them: it comes first, and its trailer ends the store. Source:
 * "RPM Package Format", header regions.
 */
export function writeHeader(region: RegionTag, entries: readonly HeaderEntry[]): Buffer {
  const index: Buffer[] = []
  const store: Buffer[] = []
  let storeBytes = 0
  for (const { tag, type, count, bytes } of entries.toSorted((a, b) => a.tag - b.tag)) {
    const width = widths[type] ?? 1
    const padding = (width - (storeBytes % width)) % width
    storeBytes += padding
    index.push(indexEntry({ tag, type, offset: storeBytes, count }))
    store.push(Buffer.alloc(padding), bytes)
    storeBytes += bytes.length
  }
  const whole = { tag: region, type: binary, count: entryBytes }
  store.push(indexEntry({ ...whole, offset: -entryBytes * (index.length + 1) }))
  index.unshift(indexEntry({ ...whole, offset: storeBytes }))
  return Buffer.concat([introduction(index.length, storeBytes + entryBytes), ...index, ...store])
}

function introduction(entryCount: number, storeBytes: number): Buffer {
  const bytes = Buffer.alloc(introductionBytes)
  bytes.writeUInt32BE(headerMagic, 0)
  bytes.writeUInt32BE(entryCount, 8)
  bytes.writeUInt32BE(storeBytes, 12)
  return bytes
}

function indexEntry({
  tag,
  type,
  offset,
  count,
}: {
  tag: number
  type: number
  offset: number
  count: number
}): Buffer {
  const bytes = Buffer.alloc(entryBytes)
  bytes.writeUInt32BE(tag, 0)
  bytes.writeUInt32BE(type, 4)
  bytes.writeInt32BE(offset, 8)
  bytes.writeUInt32BE(count, 12)
  return bytes
}
