/** Types of entries. Source: "RPM Package Format", header entries. */
const Type = { char: 1, int8: 2, int16: 3, int32: 4, int64: 5, string: 6, bin: 7, stringArray: 8, i18n: 9 } as const

const entryBytes = 16
/** As rpm limits them. */
const maxEntries = 0xffff
const maxStoreBytes = 256 * 1024 * 1024
const magic = 0x8eade801

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
  if (introduction.readUInt32BE(0) !== magic) throw new HeaderFault('there is no header where one must be')
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
      const tag = bytes.readUInt32BE(at)
      const offset = bytes.readInt32BE(at + 8)
      const count = bytes.readUInt32BE(at + 12)
      const isInside = offset >= 0 && this.store + offset <= bytes.length && count <= bytes.length
      if (!isInside) throw new HeaderFault(`entry ${tag} lies outside of its header`)
      if (!this.places.has(tag)) this.places.set(tag, at)
    }
  }

  has(tag: number): boolean {
    return this.places.has(tag)
  }

  /** The first of an array of strings, too. */
  text(tag: number): string | undefined {
    return this.strings(tag, 1)[0]
  }

  texts(tag: number): string[] {
    return this.strings(tag, Number.POSITIVE_INFINITY)
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
    for (let at = 0; at < count; at++) {
      const place = start + at * width
      values[at] =
        width === 4
          ? bytes.readUInt32BE(place)
          : width === 8
            ? Number(bytes.readBigUInt64BE(place))
            : bytes.readUIntBE(place, width)
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

  private strings(tag: number, most: number): string[] {
    const entry = this.entry(tag)
    if (entry === undefined || !isText(entry.type)) return []
    const count = Math.min(entry.type === Type.string ? 1 : entry.count, most)
    const texts: string[] = []
    for (let at = entry.start; texts.length < count;) {
      const end = this.bytes.indexOf(0, at)
      if (end < 0) throw new HeaderFault(`entry ${tag} is longer than its header`)
      texts.push(this.bytes.toString('utf8', at, end))
      at = end + 1
    }
    return texts
  }

  private entry(tag: number): { type: number; start: number; count: number } | undefined {
    const at = this.places.get(tag)
    if (at === undefined) return undefined
    const { bytes } = this
    return {
      type: bytes.readUInt32BE(at + 4),
      start: this.store + bytes.readInt32BE(at + 8),
      count: bytes.readUInt32BE(at + 12),
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

function isText(type: number): boolean {
  return type === Type.string || type === Type.stringArray || type === Type.i18n
}
