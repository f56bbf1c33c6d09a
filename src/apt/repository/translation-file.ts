import { createHash } from 'node:crypto'
import { closeSync, fstatSync, readSync } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { openSyncIfThere } from '../../core/index.ts'
import { findRecords, recordBytes } from './description-records.ts'
import { RecordTable } from './record-table.ts'
import type { TranslationTable } from './translation-index.ts'

/**
 * A compiled Translation-en in the cache folder: the text as it came, a table of records in its order, and a trailer. The
 * text stays on disk; the table (24 bytes for each description) lies outside the JavaScript heap.
 *
 *     text · count × { MD5 (16) · offset (u32) · length (u32) } · SHA-256 of the table · count (u32) · magic (8)
 */
export class TranslationFile implements TranslationTable {
  readonly identity: string
  readonly count: number
  readonly #table: RecordTable
  #fd: number | undefined

  /** Undefined when there is none in the folder, or a damaged one: compile it anew. `key`: digest of what it was made of, hex. */
  static open(folder: string, key: string): TranslationFile | undefined {
    const fd = openSyncIfThere(translationPath(folder, key))
    if (fd === undefined) return undefined
    const table = readTable(fd)
    if (table !== undefined) return new TranslationFile(key, fd, table)
    closeSync(fd)
    return undefined
  }

  private constructor(key: string, fd: number, table: Buffer) {
    this.identity = key
    this.count = table.length / recordBytes
    this.#table = new RecordTable(table)
    this.#fd = fd
  }

  find(name: string, descriptionMd5: string): Buffer | undefined {
    const wanted = Buffer.from(descriptionMd5, 'hex')
    const head = Buffer.from(`Package: ${name}\n`)
    for (const place of this.#table.find(wanted)) {
      const stanza = this.#read(place)
      if (stanza.subarray(0, head.length).equals(head)) return stanza
    }
    return undefined
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #read({ offset, length }: { offset: number; length: number }): Buffer {
    if (this.#fd === undefined) throw new Error('the translation file is closed')
    const stanza = Buffer.alloc(length, '\n')
    // The last of the text may have no line end.
    readSync(this.#fd, stanza, 0, length - 1, offset)
    return stanza.includes('\r') ? Buffer.from(stanza.toString('latin1').replace(/\r+\n/g, '\n'), 'latin1') : stanza
  }
}

/**
 * Compiles a Translation-en and opens it: `fill` writes the unpacked text to a new file. Entries without a checksum are left
 * out. APT_STANZA_MALFORMED, and whatever `fill` throws; then nothing is left behind.
 */
export async function compileTranslation(
  fill: (file: FileHandle) => Promise<void>,
  options: { folder: string; key: string },
): Promise<TranslationFile> {
  await mkdir(options.folder, { recursive: true })
  const path = translationPath(options.folder, options.key)
  const temporary = `${path}.${process.pid}.new`
  try {
    const file = await open(temporary, 'w+')
    try {
      await fill(file)
      await addTable(file)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const compiled = TranslationFile.open(options.folder, options.key)
  if (compiled === undefined) throw new Error(`${path} was damaged while it was written`)
  return compiled
}

async function addTable(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  const table = await findRecords(file)
  const trailer = Buffer.alloc(trailerBytes)
  createHash('sha256').update(table).digest().copy(trailer)
  trailer.writeUInt32LE(table.length / recordBytes, 32)
  trailer.write(magic, 36, 'latin1')
  const bytes = Buffer.concat([table, trailer])
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at, size + at)).bytesWritten
}

const trailerBytes = 44
const magic = 'LARDERT2'

function translationPath(folder: string, key: string): string {
  return join(folder, `translation-${key.replace(/[^0-9A-Za-z-]/g, '-')}`)
}

function readTable(fd: number): Buffer | undefined {
  const sizeBytes = fstatSync(fd).size
  if (sizeBytes < trailerBytes) return undefined
  const trailer = Buffer.alloc(trailerBytes)
  readSync(fd, trailer, 0, trailerBytes, sizeBytes - trailerBytes)
  const tableBytes = trailer.readUInt32LE(32) * recordBytes
  const start = sizeBytes - trailerBytes - tableBytes
  if (trailer.toString('latin1', 36) !== magic || start < 0) return undefined
  const table = Buffer.alloc(tableBytes)
  readSync(fd, table, 0, tableBytes, start)
  const sum = createHash('sha256').update(table).digest()
  return sum.equals(trailer.subarray(0, 32)) ? table : undefined
}
