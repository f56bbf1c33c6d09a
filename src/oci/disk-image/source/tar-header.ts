import { TarError } from './tar-error.ts'

export interface TarHeader {
  /** As it stands there: a string of bytes (latin1). */
  name: string
  type: ContentType | ExtraType
  linkName: string
  /** Permission bits, with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** Seconds since 1970. */
  modifiedAtS: number
  sizeBytes: number
  major: number
  minor: number
}

export type ContentType = (typeof contentTypes)[keyof typeof contentTypes]
export type ExtraType = (typeof extraTypes)[keyof typeof extraTypes]

const contentTypes = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hard-link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'folder',
  '6': 'pipe',
} as const

/** They tell more of the entry that comes next. */
const extraTypes = { x: 'pax', g: 'pax-global', L: 'long-name', K: 'long-link' } as const

const types: Record<string, ContentType | ExtraType | undefined> = { ...contentTypes, ...extraTypes }

/**
 * Reads a header of 512 bytes whose checksum is right. Source: pax(1), "ustar Interchange Format"; numbers in base 256
 * by the GNU tar manual, "Extensions".
 *
 * @throws TarError
 */
export function parseTarHeader(block: Buffer): TarHeader {
  if (numberAt(block, 148, 8) !== checksumOf(block)) throw new TarError('a header has a wrong checksum')
  const letter = block.toString('latin1', 156, 157)
  const type = types[letter]
  const name = nameOf(block)
  if (type === undefined) throw new TarError(`${name} is of type ${JSON.stringify(letter)}, which is not known here`)
  return {
    // Archives from before ustar tell a folder by its slash.
    type: type === 'file' && name.endsWith('/') ? 'folder' : type,
    name,
    linkName: textAt(block, 157, 100),
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    sizeBytes: lengthAt(block),
    modifiedAtS: numberAt(block, 136, 12),
    major: numberAt(block, 329, 8),
    minor: numberAt(block, 337, 8),
  }
}

export function isExtra(type: ContentType | ExtraType): type is ExtraType {
  return type === 'pax' || type === 'pax-global' || type === 'long-name' || type === 'long-link'
}

function nameOf(block: Buffer): string {
  const name = textAt(block, 0, 100)
  // GNU's own header has other things where ustar has a prefix.
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? textAt(block, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function textAt(block: Buffer, start: number, sizeBytes: number): string {
  const end = block.indexOf(0, start)
  return block.toString('latin1', start, end < 0 ? start + sizeBytes : Math.min(end, start + sizeBytes))
}

function numberAt(block: Buffer, start: number, sizeBytes: number): number {
  const first = block[start]!
  if ((first & 0x80) !== 0) return inBase256(block.subarray(start, start + sizeBytes))
  const digits = textAt(block, start, sizeBytes).trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw new TarError(`a header has ${JSON.stringify(digits)} where a number belongs`)
  return parseInt(digits, 8)
}

function lengthAt(block: Buffer): number {
  const sizeBytes = numberAt(block, 124, 12)
  if (sizeBytes < 0) throw new TarError('a header has a length below zero')
  return sizeBytes
}

function inBase256(bytes: Buffer): number {
  const isNegative = (bytes[0]! & 0x40) !== 0
  let value = isNegative ? -1n : 0n
  bytes.forEach((byte, index) => {
    value = (value << 8n) | BigInt(index === 0 && !isNegative ? byte & 0x7f : byte)
  })
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new TarError('a header has a number that is too large')
  return number
}

function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (let at = 0; at < 512; at++) if (at < 148 || at >= 156) sum += block[at]!
  return sum
}
