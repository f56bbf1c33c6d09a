/** What stands in an entry of a header. */
export type HeaderValue =
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'i18n'; value: readonly string[] }
  | { type: 'int16'; value: readonly number[] }
  | { type: 'int32'; value: readonly number[] }
  | { type: 'bin'; value: Buffer }

export const string = (value: string): HeaderValue => ({ type: 'string', value })
export const strings = (value: readonly string[]): HeaderValue => ({ type: 'strings', value })
export const i18n = (value: string): HeaderValue => ({ type: 'i18n', value: [value] })
export const int16 = (value: readonly number[]): HeaderValue => ({ type: 'int16', value })
export const int32 = (...value: readonly number[]): HeaderValue => ({ type: 'int32', value })
export const bin = (value: Buffer): HeaderValue => ({ type: 'bin', value })

const typeNumbers = { int16: 3, int32: 4, string: 6, bin: 7, strings: 8, i18n: 9 } as const
const widths = { int16: 2, int32: 4 } as const

/** A header with its region (62 of signatures, 63 of the package), which ends the store and comes first of its entries. */
export function headerBytes(region: 62 | 63, values: ReadonlyMap<number, HeaderValue>): Buffer {
  const entries: Buffer[] = []
  const store: Buffer[] = []
  let length = 0
  for (const [tag, value] of [...values].sort(([a], [b]) => a - b)) {
    const width = value.type === 'int16' || value.type === 'int32' ? widths[value.type] : 1
    const padding = (width - (length % width)) % width
    const bytes = bytesOf(value)
    store.push(Buffer.alloc(padding), bytes)
    length += padding
    entries.push(entry(tag, typeNumbers[value.type], length, countOf(value)))
    length += bytes.length
  }
  store.push(entry(region, typeNumbers.bin, -16 * (entries.length + 1), 16))
  entries.unshift(entry(region, typeNumbers.bin, length, 16))
  const introduction = Buffer.from('8eade8010000000000000000' + '00000000', 'hex')
  introduction.writeUInt32BE(entries.length, 8)
  introduction.writeUInt32BE(length + 16, 12)
  return Buffer.concat([introduction, ...entries, ...store])
}

function entry(tag: number, type: number, offset: number, count: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(tag, 0)
  bytes.writeUInt32BE(type, 4)
  bytes.writeInt32BE(offset, 8)
  bytes.writeUInt32BE(count, 12)
  return bytes
}

function bytesOf(value: HeaderValue): Buffer {
  if (value.type === 'bin') return value.value
  if (value.type === 'string') return Buffer.from(`${value.value}\0`)
  if (value.type === 'strings' || value.type === 'i18n')
    return Buffer.from(value.value.map((text) => `${text}\0`).join(''))
  const width = widths[value.type]
  const bytes = Buffer.alloc(value.value.length * width)
  value.value.forEach((number, at) => bytes.writeUIntBE(number, at * width, width))
  return bytes
}

function countOf(value: HeaderValue): number {
  return value.type === 'string' ? 1 : value.value.length
}
