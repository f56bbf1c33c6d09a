import { ByteReader } from './byte-reader.ts'
import { TarError } from './tar-error.ts'
import { isExtra, parseTarHeader, type ContentType, type ExtraType, type TarHeader } from './tar-header.ts'
import { applyPax, parsePax, type PaxRecords } from './tar-pax.ts'

export interface TarEntry extends Omit<TarHeader, 'type'> {
  type: ContentType
  /** By name, without `SCHILY.xattr.`. */
  extendedAttributes: ReadonlyMap<string, Buffer>
  /** The bytes of a file; to be read before the next entry is asked for, or not at all. */
  body: AsyncIterable<Buffer>
}

/** Of names and attributes that stand before an entry. */
const maxExtraBytes = 1024 * 1024
const blockBytes = 512

/**
 * Reads an archive as a stream: ustar, with the long names of GNU and of pax. Names are strings of bytes (latin1), so
 * that what is not UTF-8 stays what it is, and attributes are bytes, which a reader that decodes pax records as text
 * loses. Source: pax(1), "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".
 *
 * @throws TarError
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(source)
  try {
    yield* readEntries(reader)
    await reader.drain()
  } finally {
    await reader.close()
  }
}

async function* readEntries(reader: ByteReader): AsyncGenerator<TarEntry> {
  const globals: PaxRecords = new Map()
  let extra: Extra = {}
  for (;;) {
    const block = await reader.read(blockBytes)
    if (block.length === 0) return
    if (block.length < blockBytes) throw new TarError('it ends in the middle of a header')
    if (block.every((byte) => byte === 0)) return
    const { type, ...header } = parseTarHeader(block)
    if (isExtra(type)) addExtra(extra, globals, type, await readExtra(reader, header.sizeBytes))
    else {
      const named = { ...header, type, name: extra.name ?? header.name, linkName: extra.linkName ?? header.linkName }
      const records = new Map([...globals, ...(extra.pax ?? [])])
      extra = {}
      yield* withBody(reader, applyPax(named, records))
    }
  }
}

interface Extra {
  pax?: PaxRecords
  name?: string
  linkName?: string
}

function addExtra(extra: Extra, globals: PaxRecords, type: ExtraType, bytes: Buffer): void {
  switch (type) {
    case 'pax-global':
      for (const [name, value] of parsePax(bytes)) globals.set(name, value)
      break
    case 'pax':
      extra.pax = new Map([...(extra.pax ?? []), ...parsePax(bytes)])
      break
    case 'long-name':
      extra.name = text(bytes)
      break
    case 'long-link':
      extra.linkName = text(bytes)
  }
}

async function* withBody(reader: ByteReader, entry: Omit<TarEntry, 'body'>): AsyncGenerator<TarEntry> {
  let leftBytes = entry.type === 'file' ? entry.sizeBytes : 0
  const paddingBytes = -leftBytes & (blockBytes - 1)
  const body = async function* (): AsyncGenerator<Buffer> {
    for await (const part of reader.take(leftBytes)) {
      leftBytes -= part.length
      yield part
    }
    if (leftBytes > 0) throw new TarError(`it ends in the middle of ${entry.name}`)
  }
  yield { ...entry, body: body() }
  for await (const part of reader.take(leftBytes)) leftBytes -= part.length
  const padding = await reader.read(paddingBytes)
  if (leftBytes > 0 || padding.length < paddingBytes) throw new TarError(`it ends in the middle of ${entry.name}`)
}

async function readExtra(reader: ByteReader, sizeBytes: number): Promise<Buffer> {
  if (sizeBytes > maxExtraBytes) throw new TarError(`a name or an attribute is longer than ${maxExtraBytes} bytes`)
  const paddedBytes = sizeBytes + (-sizeBytes & (blockBytes - 1))
  const bytes = await reader.read(paddedBytes)
  if (bytes.length < paddedBytes) throw new TarError('it ends in the middle of a header')
  return bytes.subarray(0, sizeBytes)
}

function text(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/\0.*$/s, '')
}
