import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { tableFilePath } from './table-file.ts'
import { padding, trailerBytes } from './table-layout.ts'
import type { ColumnKind, StoredHeader, TableData, TableLayout } from './table-layout.ts'

export interface TableFilePlace {
  /** Cache folder: it may be emptied at any time that nobody has a file of it open. */
  folder: string
  /** Identity of what is compiled. `[0-9A-Za-z._-]`. */
  key: string
}

/** Appends bytes to the text. The buffer may be used again when the promise is resolved. */
export type TextWriter = (bytes: Buffer) => Promise<void>

/**
 * Makes a compiled file: `compile` writes the text and answers the table. It is written beside its place, then renamed;
 * when anything throws, nothing is left.
 */
export async function writeTableFile<Kinds extends Record<string, ColumnKind>, Heap extends string>(
  layout: TableLayout<Kinds, Heap>,
  { folder, key }: TableFilePlace,
  compile: (writeText: TextWriter) => Promise<TableData<Kinds, Heap> & { header: unknown }>,
): Promise<void> {
  const path = tableFilePath(layout, { folder, key })
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`
  await mkdir(folder, { recursive: true })
  const file = await open(partial, 'wx', 0o600)
  try {
    let textBytes = 0
    const table = await compile(async (bytes) => {
      await writeAll(file, bytes, textBytes)
      textBytes += bytes.length
    })
    await writeTable(file, { layout, table, key, textBytes })
    await file.close()
    await rename(partial, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(partial, { force: true })
    throw error
  }
}

async function writeTable<Kinds extends Record<string, ColumnKind>, Heap extends string>(
  file: FileHandle,
  what: {
    layout: TableLayout<Kinds, Heap>
    table: TableData<Kinds, Heap> & { header: unknown }
    key: string
    textBytes: number
  },
): Promise<void> {
  const { layout, table, key, textBytes } = what
  const parts: Buffer[] = []
  const places: StoredHeader['places'] = {}
  let offset = 0
  const place = (name: string, { buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): void => {
    places[name] = { offset, byteLength }
    parts.push(Buffer.from(buffer, byteOffset, byteLength), Buffer.alloc(padding(byteLength)))
    offset += byteLength + padding(byteLength)
  }
  for (const name of Object.keys(layout.columns)) place(name, table.columns[name]!)
  for (const name of layout.heaps) place(name, table.heaps[name])
  const header: StoredHeader = { key, header: table.header, places }
  const json = Buffer.from(JSON.stringify(header))
  const hash = createHash('sha256')
  let at = textBytes
  for (const part of [json, Buffer.alloc(padding(json.length)), ...parts]) {
    hash.update(part)
    await writeAll(file, part, at)
    at += part.length
  }
  const trailer = Buffer.alloc(trailerBytes)
  trailer.write(layout.magic, 0, 'latin1')
  new Uint32Array(trailer.buffer, trailer.byteOffset + 8, 2).set([layout.version, json.length])
  new Float64Array(trailer.buffer, trailer.byteOffset + 16, 2).set([textBytes, at - textBytes])
  hash.digest().copy(trailer, 32)
  await writeAll(file, trailer, at)
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;)
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
}
