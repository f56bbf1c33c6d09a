import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { LarderError } from '../core/index.ts'
import { ByteHeap } from '../table/index.ts'
import { BlockSums } from './table/block-sums.ts'
import { StanzaScanner, type Stanza } from './table/scan-stanzas.ts'
import { TableBuilder } from './table/table-builder.ts'
import {
  columns as layout,
  heaps as heapNames,
  layoutVersion,
  trailerBytes,
  trailerMagic,
} from './table/table-layout.ts'
import type { ColumnName, IndexKind, TableHeader } from './table/table-layout.ts'
import { indexPath, PackageIndex } from './package-index.ts'

export interface CompileOptions {
  /** Cache folder: `<folder>/<key>.index` is made in it. It may be emptied at any time that nobody has it open. */
  folder: string
  /** Identity of the source: the hex digest of the index file that was promised. `[0-9A-Za-z._-]`. */
  key: string
  kind: IndexKind
  /** For messages: `upstream debian, bookworm/main amd64`. */
  label: string
  /** Default: 8 MiB, Debian's largest is 60 kB. */
  maxStanzaBytes?: number
  /** Of the decompressed index. Default: 2 GiB. */
  maxTotalBytes?: number
}

/**
 * Compiles a decompressed Packages or Sources index into a file of the cache folder and opens it. The text is kept
 * byte for byte; the table over it loads in milliseconds. Written beside its place, then renamed.
 *
 * Entries that cannot be used (malformed name, version, size or hash; a Filename that leads out) are left out and
 * listed in `excluded`: one bad entry of a third party does not take the whole upstream away. What is no control file
 * at all is an error, since nothing in it can be trusted to be where it seems.
 *
 * @throws APT_STANZA_MALFORMED, DECOMPRESS_BOMB above `maxTotalBytes`
 */
export async function compileIndex(stream: AsyncIterable<Buffer>, options: CompileOptions): Promise<PackageIndex> {
  await writeIndex(stream, options)
  const index = PackageIndex.open(options.folder, options.key)
  if (index === undefined)
    throw new Error(`The index that was just compiled cannot be opened: ${indexPath(options.folder, options.key)}`)
  return index
}

async function writeIndex(stream: AsyncIterable<Buffer>, options: CompileOptions): Promise<void> {
  const { folder, key, kind, label } = options
  const path = indexPath(folder, key)
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`
  await mkdir(folder, { recursive: true })
  const file = await open(partial, 'wx', 0o600)
  try {
    const builder = new TableBuilder(kind)
    const sums = new BlockSums()
    const textBytes = await compileText(stream, file, { builder, sums, options })
    await writeTable(file, { builder, blockCrc: sums.finish() }, { kind, key, label, textBytes })
    await file.close()
    await rename(partial, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(partial, { force: true })
    throw error
  }
}

/** Small enough not to hold up other work, nor the program that unpacks: a pipe holds no more than this. */
const scanBytes = 1 << 17
/** Large enough that writing costs little. */
const writeBytes = 1 << 20
const mebibyte = 1 << 20

async function compileText(
  stream: AsyncIterable<Buffer>,
  file: FileHandle,
  { builder, sums, options }: { builder: TableBuilder; sums: BlockSums; options: CompileOptions },
): Promise<number> {
  const { label, maxStanzaBytes = 8 * mebibyte, maxTotalBytes = 2048 * mebibyte } = options
  let textBytes = 0
  const pending = new ByteHeap(2 * writeBytes)
  /** Of what is pending. */
  let scanned = 0
  const onStanza = (stanza: Stanza): void => builder.add(stanza, textBytes + scanned)
  const scanner = new StanzaScanner({ label, maxStanzaBytes, onStanza })
  const flush = async (isLast: boolean): Promise<void> => {
    scanned += scanner.scan(pending.bytes.subarray(scanned), pending.length - scanned, isLast)
    if (scanned < writeBytes && !isLast) return
    for (let written = 0; written < scanned;)
      written += (await file.write(pending.bytes, written, scanned - written, textBytes + written)).bytesWritten
    sums.add(pending.bytes.subarray(0, scanned))
    textBytes += scanned
    pending.discard(scanned)
    scanned = 0
  }
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const part = Math.min(chunk.length - at, scanBytes)
      if (textBytes + pending.length + part > maxTotalBytes) throw tooLarge(label, maxTotalBytes)
      pending.append(chunk, at, at + part)
      at += part
      if (pending.length - scanned >= scanBytes) await flush(false)
    }
  }
  await flush(true)
  return textBytes
}

async function writeTable(
  file: FileHandle,
  { builder, blockCrc }: { builder: TableBuilder; blockCrc: Uint32Array },
  { kind, key, label, textBytes }: Pick<TableHeader, 'kind' | 'key' | 'label' | 'textBytes'>,
): Promise<void> {
  const { columns: found, heaps } = builder.finish()
  const columns = { ...found, blockCrc }
  const parts: Buffer[] = []
  const places: TableHeader['places'] = {}
  let offset = 0
  const place = (name: string, { buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): void => {
    places[name] = { offset, byteLength }
    parts.push(Buffer.from(buffer, byteOffset, byteLength), Buffer.alloc(padding(byteLength)))
    offset += byteLength + padding(byteLength)
  }
  for (const name of Object.keys(layout) as ColumnName[]) place(name, columns[name])
  for (const name of heapNames) place(name, heaps[name])
  const { rowCount, excludedCount, excluded } = builder
  const header: TableHeader = { kind, key, label, rowCount, textBytes, excludedCount, excluded, places }
  const json = Buffer.from(JSON.stringify(header))
  const table = [json, Buffer.alloc(padding(json.length)), ...parts]
  const tableBytes = table.reduce((sum, part) => sum + part.length, 0)
  await writeAll(file, [...table, trailer(table, { headerBytes: json.length, textBytes, tableBytes })], textBytes)
}

function trailer(
  table: readonly Buffer[],
  sizes: { headerBytes: number; textBytes: number; tableBytes: number },
): Buffer {
  const bytes = Buffer.alloc(trailerBytes)
  const hash = createHash('sha256')
  for (const part of table) hash.update(part)
  bytes.write(trailerMagic, 0, 'latin1')
  new Uint32Array(bytes.buffer, bytes.byteOffset + 8, 2).set([layoutVersion, sizes.headerBytes])
  new Float64Array(bytes.buffer, bytes.byteOffset + 16, 2).set([sizes.textBytes, sizes.tableBytes])
  hash.digest().copy(bytes, 32)
  return bytes
}

async function writeAll(file: FileHandle, parts: readonly Buffer[], position: number): Promise<void> {
  let at = position
  for (const part of parts) {
    for (let written = 0; written < part.length;)
      written += (await file.write(part, written, part.length - written, at + written)).bytesWritten
    at += part.length
  }
}

/** Columns lie at multiples of 8 bytes, so that they can be viewed in place. */
function padding(byteLength: number): number {
  return (8 - (byteLength % 8)) % 8
}

function tooLarge(label: string, maxTotalBytes: number): LarderError {
  return new LarderError('DECOMPRESS_BOMB', {
    message: `${label}: the index is larger than ${maxTotalBytes} bytes when it is unpacked.`,
    context: { label, maxTotalBytes },
  })
}
