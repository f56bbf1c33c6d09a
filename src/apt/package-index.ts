import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { LarderError } from '../core/index.ts'
import { readFields, type StanzaFields } from './table/stanza-fields.ts'
import {
  blockBytes,
  columns as layout,
  heaps as heapNames,
  layoutVersion,
  trailerBytes,
  trailerMagic,
} from './table/table-layout.ts'
import type { ColumnName, Columns, Excluded, Heaps, IndexKind, TableHeader } from './table/table-layout.ts'

/**
 * A compiled Packages or Sources index. The table lies in one buffer outside the JavaScript heap; the text stays on
 * disk and is read stanza by stanza. Rows are numbered from 0 in the order of the index.
 */
export class PackageIndex {
  readonly kind: IndexKind
  readonly key: string
  readonly label: string
  readonly rowCount: number
  readonly columns: Columns
  readonly heaps: Heaps
  /** Entries that are not used: how many, and the first of them. */
  readonly excludedCount: number
  readonly excluded: readonly Excluded[]
  private readonly path: string
  private readonly textBytes: number
  private fd: number
  /** What was read last: whole blocks. */
  private scratch = Buffer.allocUnsafeSlow(4 * blockBytes)
  private damaged = false

  /** Undefined when there is none, or one that is damaged or of another layout: compile it anew. */
  static open(folder: string, key: string): PackageIndex | undefined {
    const path = indexPath(folder, key)
    const fd = openIfPresent(path)
    if (fd === undefined) return undefined
    const table = readTable(fd, key)
    if (table !== undefined) return new PackageIndex(path, fd, table)
    closeSync(fd)
    return undefined
  }

  private constructor(path: string, fd: number, { header, body }: Table) {
    this.path = path
    this.fd = fd
    this.kind = header.kind
    this.key = header.key
    this.label = header.label
    this.rowCount = header.rowCount
    this.textBytes = header.textBytes
    this.excludedCount = header.excludedCount
    this.excluded = header.excluded
    this.columns = viewColumns(header, body)
    this.heaps = viewHeaps(header, body)
  }

  word(id: number): string {
    const start = this.columns.wordStart
    return this.heaps.words.toString('latin1', start[id], start[id + 1])
  }

  /** One provided name, as it stands between two commas: `mail-transport-agent (= 3)`. */
  provided(entry: number): string {
    const start = this.columns.provideStart
    return this.heaps.provides.toString('latin1', start[entry], start[entry + 1])
  }

  /** Whether some of the text could not be read: what is loaded next is not to be taken from here. */
  get isDamaged(): boolean {
    return this.damaged
  }

  /**
   * The bytes of a stanza as the upstream wrote them, without the empty line that ends it.
   *
   * @throws CACHE_DAMAGED after removing the file: what is tried again compiles it anew
   */
  stanza(row: number): Buffer {
    return Buffer.from(this.stanzaView(row))
  }

  /** As stanza, valid until the next is read. */
  stanzaView(row: number): Buffer {
    const offset = this.columns.offset[row]!
    const end = offset + this.columns.length[row]!
    const firstBlock = Math.floor(offset / blockBytes)
    const start = firstBlock * blockBytes
    const readBytes = Math.min(Math.ceil(end / blockBytes) * blockBytes, this.textBytes) - start
    if (readBytes > this.scratch.length) this.scratch = Buffer.allocUnsafeSlow(readBytes)
    const blocks = this.scratch.subarray(0, readBytes)
    if (!readFully(this.fd, blocks, start) || !this.isSound(blocks, firstBlock)) this.failDamaged(row)
    return blocks.subarray(offset - start, end - start)
  }

  /** @throws CACHE_DAMAGED as stanza does */
  fields(row: number): StanzaFields {
    return readFields(this.stanzaView(row))
  }

  private isSound(blocks: Buffer, firstBlock: number): boolean {
    const { blockCrc } = this.columns
    for (let at = 0, block = firstBlock; at < blocks.length; at += blockBytes, block++)
      if (crc32(blocks.subarray(at, at + blockBytes)) !== blockCrc[block]) return false
    return true
  }

  private failDamaged(row: number): never {
    this.damaged = true
    rmSync(this.path, { force: true })
    throw new LarderError('CACHE_DAMAGED', {
      message: `${this.label}: the compiled index in the cache is damaged at stanza ${row + 1}. It has been removed.`,
      hint: 'Try again: it is compiled anew from the upstream. If it happens twice, check the disk.',
      context: { path: this.path, row },
    })
  }

  /** Stanzas can no longer be read, and what is told by them is no longer known. */
  close(): void {
    if (this.fd >= 0) closeSync(this.fd)
    this.fd = -1
  }
}

export function indexPath(folder: string, key: string): string {
  if (!/^[0-9A-Za-z][0-9A-Za-z._-]{0,200}$/.test(key)) throw new Error(`not a key of a compiled index: ${key}`)
  return join(folder, `${key}.index`)
}

interface Table {
  header: TableHeader
  /** What follows the header, at a multiple of 8 bytes. */
  body: { buffer: ArrayBuffer; byteOffset: number }
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function readTable(fd: number, key: string): Table | undefined {
  const fileBytes = fstatSync(fd).size
  if (fileBytes < trailerBytes) return undefined
  const trailer = Buffer.allocUnsafeSlow(trailerBytes)
  if (!readFully(fd, trailer, fileBytes - trailerBytes)) return undefined
  if (trailer.toString('latin1', 0, 8) !== trailerMagic) return undefined
  const [version, headerBytes] = new Uint32Array(trailer.buffer, 8, 2)
  const [textBytes, tableBytes] = new Float64Array(trailer.buffer, 16, 2)
  if (version !== layoutVersion || textBytes! + tableBytes! + trailerBytes !== fileBytes) return undefined
  const table = Buffer.allocUnsafeSlow(tableBytes!)
  if (!readFully(fd, table, textBytes!)) return undefined
  if (!createHash('sha256').update(table).digest().equals(trailer.subarray(32))) return undefined
  const header = JSON.parse(table.toString('utf8', 0, headerBytes)) as TableHeader
  if (header.key !== key) return undefined
  return { header, body: { buffer: table.buffer, byteOffset: Math.ceil(headerBytes! / 8) * 8 } }
}

/** False when the file ends before. */
function readFully(fd: number, bytes: Buffer, position: number): boolean {
  for (let at = 0; at < bytes.length;) {
    const count = readSync(fd, bytes, at, bytes.length - at, position + at)
    if (count === 0) return false
    at += count
  }
  return true
}

function viewColumns({ places }: TableHeader, { buffer, byteOffset }: Table['body']): Columns {
  const views = (Object.keys(layout) as ColumnName[]).map((name) => {
    const { offset, byteLength } = places[name]!
    const Kind = layout[name]
    return [name, new Kind(buffer, byteOffset + offset, byteLength / Kind.BYTES_PER_ELEMENT)]
  })
  return Object.fromEntries(views) as Columns
}

function viewHeaps({ places }: TableHeader, { buffer, byteOffset }: Table['body']): Heaps {
  const views = heapNames.map((name) => {
    const { offset, byteLength } = places[name]!
    return [name, Buffer.from(buffer, byteOffset + offset, byteLength)]
  })
  return Object.fromEntries(views) as Heaps
}
