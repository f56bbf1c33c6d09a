/** Types of entries. Source: "RPM Package Format", header entries. */
const Type = { char: 1, int8: 2, int16: 3, int32: 4, int64: 5, string: 6, bin: 7, stringArray: 8, i18n: 9 } as const

const entryBytes = 16
/** As rpm limits it. */
const maxEntries = 0xffff
/** A tenth of it is more than any package was seen with: rpm takes 256 MiB, which would all be read into memory. */
const maxStoreBytes = 64 * 1024 * 1024
export const headerMagic = 0x8eade801

/** Says what is wrong; whoever knows the name of the package makes an error of it. */
export class HeaderFault extends Error {}

export interface HeaderSize {
  entryCount: number
  storeBytes: number
  /** Of the whole header with its introduction. */
  totalBytes: number
}

/** Size of the introduction that `readHeaderSize` wants. */
export const introductionBytes = 16

/** From the first 16 bytes of a header. @throws HeaderFault */
export function readHeaderSize(introduction: Buffer): HeaderSize {
  if (introduction.length < introductionBytes) throw new HeaderFault('it ends where a header begins')
  if (introduction.readUInt32BE(0) !== headerMagic) throw new HeaderFault('there is no header where one must be')
  const entryCount = introduction.readUInt32BE(8)
  const storeBytes = introduction.readUInt32BE(12)
  if (entryCount === 0 || entryCount > maxEntries) throw new HeaderFault(`a header of ${entryCount} entries`)
  if (storeBytes > maxStoreBytes) throw new HeaderFault(`a header of ${storeBytes} bytes`)
  return { entryCount, storeBytes, totalBytes: introductionBytes + entryCount * entryBytes + storeBytes }
}

/**
 * The entries of a header, read where they lie. Every offset and count is checked before it is used: nothing that a
 * header says can lead outside of its own bytes. An entry of another type than asked for counts as one that is not
 * there.
 */
export class Header {
  /** Whole, with its introduction: what a signature of the header is over. */
  readonly bytes: Buffer
  private readonly store: number
  /** Place of the entry, by tag; the first counts. */
  private readonly places = new Map<number, number>()

  /** @throws HeaderFault */
  constructor(bytes: Buffer) {
    const { entryCount, totalBytes } = readHeaderSize(bytes)
    if (bytes.length !== totalBytes) throw new HeaderFault('a header breaks off')
    this.bytes = bytes
    this.store = introductionBytes + entryCount * entryBytes
    for (let at = introductionBytes; at < this.store; at += entryBytes) {
      const tag = readUint32(bytes, at)
      const isInside =
        this.store + readUint32(bytes, at + 8) <= bytes.length && readUint32(bytes, at + 12) <= bytes.length
      if (!isInside) throw new HeaderFault(`entry ${tag} lies outside of its header`)
      if (!this.places.has(tag)) this.places.set(tag, at)
    }
  }

  has(tag: number): boolean {
    return this.places.has(tag)
  }

  /** The first of an array of strings, too. */
  text(tag: number): string | undefined {
    const entry = this.entry(tag)
    if (entry === undefined || !isText(entry.type) || entry.count === 0) return undefined
    return this.bytes.toString('utf8', entry.start, this.endOfTexts(tag, entry.start, 1) - 1)
  }

  texts(tag: number): string[] {
    const entry = this.entry(tag)
    if (entry === undefined || !isText(entry.type) || entry.count === 0) return []
    const count = entry.type === Type.string ? 1 : entry.count
    // All in one call: NUL is a character of its own in whatever bytes these are.
    return this.bytes.toString('utf8', entry.start, this.endOfTexts(tag, entry.start, count) - 1).split('\0')
  }

  integer(tag: number): number | undefined {
    return this.integers(tag)[0]
  }

  /** Of 8 to 64 bits; 64 bits as far as a number goes. */
  integers(tag: number): number[] {
    const entry = this.entry(tag)
    const width = entry && widths.get(entry.type)
    if (entry === undefined || width === undefined) return []
    const { start, count } = entry
    if (start + count * width > this.bytes.length) throw new HeaderFault(`entry ${tag} is longer than its header`)
    const { bytes } = this
    const values = new Array<number>(count)
    for (let at = 0, place = start; at < count; at++, place += width) {
      if (width === 4) values[at] = readUint32(bytes, place)
      else if (width === 8) values[at] = readUint32(bytes, place) * 2 ** 32 + readUint32(bytes, place + 4)
      else values[at] = width === 2 ? bytes[place]! * 256 + bytes[place + 1]! : bytes[place]!
    }
    return values
  }

  binary(tag: number): Buffer | undefined {
    const entry = this.entry(tag)
    if (entry?.type !== Type.bin) return undefined
    const end = entry.start + entry.count
    if (end > this.bytes.length) throw new HeaderFault(`entry ${tag} is longer than its header`)
    return this.bytes.subarray(entry.start, end)
  }

  /** Behind the NUL that ends the last of them. */
  private endOfTexts(tag: number, start: number, count: number): number {
    const { bytes } = this
    let at = start
    for (let left = count; left > 0; at++) {
      if (at >= bytes.length) throw new HeaderFault(`entry ${tag} is longer than its header`)
      if (bytes[at] === 0) left--
    }
    return at
  }

  private entry(tag: number): { type: number; start: number; count: number } | undefined {
    const at = this.places.get(tag)
    if (at === undefined) return undefined
    const { bytes } = this
    return {
      type: readUint32(bytes, at + 4),
      start: this.store + readUint32(bytes, at + 8),
      count: readUint32(bytes, at + 12),
    }
  }
}

const widths = new Map<number, 1 | 2 | 4 | 8>([
  [Type.char, 1],
  [Type.int8, 1],
  [Type.int16, 2],
  [Type.int32, 4],
  [Type.int64, 8],
])

/** As readUInt32BE, whose checks cost more than the reading. */
function readUint32(bytes: Buffer, at: number): number {
  return bytes[at]! * 2 ** 24 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
}

function isText(type: number): boolean {
  return type === Type.string || type === Type.stringArray || type === Type.i18n
}
