import { createHash } from 'node:crypto'
import { closeSync, fstatSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { ioBuffer, LarderError, openSyncIfThere } from '../core/index.ts'
import { trailerBytes, type ColumnKind, type StoredHeader, type TableData, type TableLayout } from './table-layout.ts'

/** A compiled file that is open: the table in one buffer outside the JavaScript heap, the text still on disk. */
export class TableFile<Kinds extends Record<string, ColumnKind>, Heap extends string> implements TableData<
  Kinds,
  Heap
> {
  readonly header: unknown
  readonly columns: TableData<Kinds, Heap>['columns']
  readonly heaps: TableData<Kinds, Heap>['heaps']
  readonly textBytes: number
  private readonly path: string
  private fd: number
  private damaged = false

  /** Undefined when there is none, or one that is damaged or of another layout: compile it anew. */
  static open<Kinds extends Record<string, ColumnKind>, Heap extends string>(
    layout: TableLayout<Kinds, Heap>,
    { folder, key }: { folder: string; key: string },
  ): TableFile<Kinds, Heap> | undefined {
    const path = tableFilePath(layout, { folder, key })
    const fd = openSyncIfThere(path)
    if (fd === undefined) return undefined
    const table = readTable(fd, layout)
    if (table?.stored.key === key) return new TableFile(layout, path, { fd, ...table })
    closeSync(fd)
    return undefined
  }

  private constructor(
    layout: TableLayout<Kinds, Heap>,
    path: string,
    { fd, stored, textBytes, body }: Table & { fd: number },
  ) {
    this.path = path
    this.textBytes = textBytes
    this.fd = fd
    this.header = stored.header
    const placeOf = (name: string): [ArrayBuffer, number, number] => {
      const { offset, byteLength } = stored.places[name]!
      return [body.buffer, body.byteOffset + offset, byteLength]
    }
    const columns = Object.entries(layout.columns).map(([name, Kind]) => {
      const [buffer, offset, byteLength] = placeOf(name)
      return [name, new Kind(buffer, offset, byteLength / Kind.BYTES_PER_ELEMENT)]
    })
    this.columns = Object.fromEntries(columns) as TableData<Kinds, Heap>['columns']
    const heaps = layout.heaps.map((name) => [name, Buffer.from(...placeOf(name))])
    this.heaps = Object.fromEntries(heaps) as TableData<Kinds, Heap>['heaps']
  }

  /** Whether some of the text could not be read. */
  get isDamaged(): boolean {
    return this.damaged
  }

  /**
   * A part of the text, held against its CRC-32.
   *
   * @throws CACHE_DAMAGED after removing the file: what is tried again compiles it anew
   */
  readText(part: { offset: number; length: number; crc: number; label: string }): Buffer {
    const bytes = Buffer.allocUnsafe(part.length)
    if (this.readInto(bytes, part.offset) && crc32(bytes) === part.crc) return bytes
    return this.failDamaged(part)
  }

  /** A part of the text, for who has sums of his own to hold it against. False when the file ends before. */
  readInto(bytes: Buffer, offset: number): boolean {
    return readFully(this.fd, bytes, offset)
  }

  /** @throws CACHE_DAMAGED as readText does */
  failDamaged({ offset, label }: { offset: number; label: string }): never {
    this.damaged = true
    rmSync(this.path, { force: true })
    throw new LarderError('CACHE_DAMAGED', {
      message: `${label}: the compiled file in the cache is damaged at byte ${offset}. It has been removed.`,
      hint: 'Try again: it is compiled anew from the upstream. If it happens twice, check the disk.',
      context: { path: this.path, offset },
    })
  }

  /** The text can no longer be read; the table stays usable. */
  close(): void {
    if (this.fd >= 0) closeSync(this.fd)
    this.fd = -1
  }
}

export function tableFilePath(
  { suffix }: { suffix: string },
  { folder, key }: { folder: string; key: string },
): string {
  if (!/^[0-9A-Za-z][0-9A-Za-z._-]{0,200}$/.test(key)) throw new Error(`not a key of a compiled file: ${key}`)
  return join(folder, `${key}${suffix}`)
}

interface Table {
  stored: StoredHeader
  textBytes: number
  /** What follows the header, at a multiple of 8 bytes. */
  body: { buffer: ArrayBuffer; byteOffset: number }
}

function readTable(fd: number, layout: { magic: string; version: number }): Table | undefined {
  const fileBytes = fstatSync(fd).size
  if (fileBytes < trailerBytes) return undefined
  const trailer = Buffer.allocUnsafeSlow(trailerBytes)
  if (!readFully(fd, trailer, fileBytes - trailerBytes)) return undefined
  if (trailer.toString('latin1', 0, 8) !== layout.magic) return undefined
  const [version, headerBytes] = new Uint32Array(trailer.buffer, 8, 2)
  const [textBytes, tableBytes] = new Float64Array(trailer.buffer, 16, 2)
  if (version !== layout.version || textBytes! + tableBytes! + trailerBytes !== fileBytes) return undefined
  const table = ioBuffer(tableBytes!)
  if (!readFully(fd, table, textBytes!)) return undefined
  if (!createHash('sha256').update(table).digest().equals(trailer.subarray(32))) return undefined
  const stored = JSON.parse(table.toString('utf8', 0, headerBytes)) as StoredHeader
  const byteOffset = table.byteOffset + Math.ceil(headerBytes! / 8) * 8
  return { stored, textBytes: textBytes!, body: { buffer: table.buffer, byteOffset } }
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
