import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { readRecords, recordBytes } from './description-records.ts'
import type { TranslationTable } from './translation-index.ts'

/**
 * A compiled Translation-en in the cache folder: all stanzas as they came, a table of records sorted by checksum and
 * text offset, and a trailer. The text stays on disk; the table (24 bytes for each description) lies outside the
 * JavaScript heap.
 *
 *     text · count × { MD5 (16) · offset (u32) · length (u32) } · SHA-256 of the table · count (u32) · magic (8)
 */
export class TranslationFile implements TranslationTable {
  readonly identity: string
  readonly count: number
  readonly #table: Buffer
  #fd: number | undefined

  /** Undefined when there is none in the folder, or a damaged one: compile it anew. `key`: digest of what it was made of, hex. */
  static open(folder: string, key: string): TranslationFile | undefined {
    const fd = openIfThere(translationPath(folder, key))
    if (fd === undefined) return undefined
    const table = readTable(fd)
    if (table !== undefined) return new TranslationFile(key, fd, table)
    closeSync(fd)
    return undefined
  }

  private constructor(key: string, fd: number, table: Buffer) {
    this.identity = key
    this.count = table.length / recordBytes
    this.#table = table
    this.#fd = fd
  }

  find(name: string, descriptionMd5: string): Buffer | undefined {
    const wanted = Buffer.from(descriptionMd5, 'hex')
    const head = Buffer.from(`Package: ${name}\n`)
    for (let row = this.#firstRow(wanted); this.#compare(row, wanted) === 0; row++) {
      const stanza = this.#read(row)
      if (stanza.subarray(0, head.length).equals(head)) return stanza
    }
    return undefined
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #firstRow(wanted: Buffer): number {
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(middle, wanted) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #compare(row: number, wanted: Buffer): number {
    if (row >= this.count) return 1
    const start = row * recordBytes
    return this.#table.compare(wanted, 0, 16, start, start + 16)
  }

  #read(row: number): Buffer {
    if (this.#fd === undefined) throw new Error('the translation file is closed')
    const start = row * recordBytes
    const stanza = Buffer.alloc(this.#table.readUInt32LE(start + 20))
    readSync(this.#fd, stanza, 0, stanza.length, this.#table.readUInt32LE(start + 16))
    return stanza
  }
}

/**
 * Compiles an unpacked Translation-en and opens it. Entries without a checksum are left
 * out. APT_STANZA_MALFORMED, and whatever the stream throws; then nothing is left behind.
 */
export async function compileTranslation(
  stream: AsyncIterable<Buffer>,
  options: { folder: string; key: string },
): Promise<TranslationFile> {
  await mkdir(options.folder, { recursive: true })
  const path = translationPath(options.folder, options.key)
  const temporary = `${path}.${process.pid}.new`
  try {
    const file = await open(temporary, 'w')
    try {
      await writeTo(file, stream)
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

async function writeTo(file: FileHandle, stream: AsyncIterable<Buffer>): Promise<void> {
  const write = async (bytes: Buffer): Promise<void> => {
    for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
  }
  const table = sortRecords(await readRecords(stream, write))
  const trailer = Buffer.alloc(trailerBytes)
  createHash('sha256').update(table).digest().copy(trailer)
  trailer.writeUInt32LE(table.length / recordBytes, 32)
  trailer.write(magic, 36, 'latin1')
  await write(table)
  await write(trailer)
}

/**
 * By checksum, then by offset. The first 32 bits of a checksum and the number of its record fit into a double, and
 * numbers are sorted an order of magnitude quicker than records; the few that begin alike are compared in full.
 */
function sortRecords(records: Buffer): Buffer {
  const count = records.length / recordBytes
  if (count > 2 ** 21) return sortAll(records)
  const keys = new Float64Array(count)
  for (let row = 0; row < count; row++) keys[row] = records.readUInt32BE(row * recordBytes) * 2 ** 21 + row
  keys.sort()
  const sorted = Buffer.alloc(records.length)
  let runStart = 0
  for (let at = 0; at < count; at++) {
    const row = keys[at]! % 2 ** 21
    records.copy(sorted, at * recordBytes, row * recordBytes, (row + 1) * recordBytes)
    if (at > 0 && Math.floor(keys[at]! / 2 ** 21) === Math.floor(keys[at - 1]! / 2 ** 21)) continue
    sortRun(sorted, runStart, at)
    runStart = at
  }
  sortRun(sorted, runStart, count)
  return sorted
}

function sortRun(sorted: Buffer, start: number, end: number): void {
  if (end - start > 1) {
    const run = sorted.subarray(start * recordBytes, end * recordBytes)
    sortAll(run).copy(run)
  }
}

function sortAll(records: Buffer): Buffer {
  const rows = Array.from({ length: records.length / recordBytes }, (_, row) => {
    return records.subarray(row * recordBytes, (row + 1) * recordBytes)
  })
  return Buffer.concat(rows.sort(byMd5ThenOffset))
}

const trailerBytes = 44
const magic = 'LARDERT1'

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

function byMd5ThenOffset(a: Buffer, b: Buffer): number {
  return a.compare(b, 0, 16, 0, 16) || a.readUInt32LE(16) - b.readUInt32LE(16)
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
