import { writeHeader } from '../header/header-entries.ts'

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

/** A header with its region (62 of signatures, 63 of the package). */
export function headerBytes(region: 62 | 63, values: ReadonlyMap<number, HeaderValue>): Buffer {
  return writeHeader(
    region,
    [...values].map(([tag, value]) => ({
      tag,
      type: typeNumbers[value.type],
      count: value.type === 'string' ? 1 : value.value.length,
      bytes: bytesOf(value),
    })),
  )
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
