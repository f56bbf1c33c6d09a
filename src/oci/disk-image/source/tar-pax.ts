import { TarError } from './tar-error.ts'
import type { TarHeader } from './tar-header.ts'

export type PaxRecords = Map<string, Buffer>

/** Source: pax(1), "pax Header Block": `LENGTH KEY=VALUE\n`, the length counting itself. */
export function parsePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map()
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space)
    const end = at + Number(digits)
    const equals = bytes.indexOf(0x3d, space)
    if (!/^[1-9][0-9]{0,7}$/.test(digits) || end > bytes.length || equals < 0 || equals >= end)
      throw new TarError('a pax record is malformed')
    records.set(bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, end - 1))
    at = end
  }
  return records
}

const attributePrefix = 'SCHILY.xattr.'

/** A header as the records before it say that it is. TarError for sparse files, which no layer needs. */
export function applyPax<T extends Omit<TarHeader, 'type'>>(
  header: T,
  records: PaxRecords,
): T & { extendedAttributes: ReadonlyMap<string, Buffer> } {
  const text = (key: string): string | undefined => records.get(key)?.toString('latin1')
  const number = (key: string): number | undefined => numberOf(key, text(key))
  const extendedAttributes = new Map<string, Buffer>()
  for (const [key, value] of records) {
    if (key.startsWith('GNU.sparse.')) throw new TarError(`${header.name} is stored as a sparse file`)
    if (key.startsWith(attributePrefix)) extendedAttributes.set(key.slice(attributePrefix.length), value)
  }
  return {
    ...header,
    name: text('path') ?? header.name,
    linkName: text('linkpath') ?? header.linkName,
    uid: number('uid') ?? header.uid,
    gid: number('gid') ?? header.gid,
    sizeBytes: number('size') ?? header.sizeBytes,
    modifiedAtS: number('mtime') ?? header.modifiedAtS,
    extendedAttributes,
  }
}

/** Whole seconds; a fraction falls off towards the past. */
function numberOf(key: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const value = Math.floor(Number(text))
  if (!/^-?[0-9]{1,16}(?:\.[0-9]*)?$/.test(text) || !Number.isSafeInteger(value) || (key !== 'mtime' && value < 0))
    throw new TarError(`a pax record has ${key}=${text.slice(0, 40)}`)
  return value
}
