import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { streamStanzas } from '../control.ts'
import { ByteHeap } from '../../table/index.ts'
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
  const records = new ByteHeap()
  const waiting = new ByteHeap(2 * batchBytes)
  let written = 0
  const flush = async (): Promise<void> => {
    await file.write(waiting.bytes, 0, waiting.length)
    written += waiting.length
    waiting.length = 0
  }
  for await (const stanza of streamStanzas(stream, { maxStanzaBytes: 1024 * 1024 })) {
    const md5 = checksumOf(stanza)
    const end = endOfText(stanza)
    const offset = written + waiting.length
    if (md5 === undefined || offset + end + 1 >= 2 ** 32) continue
    records.reserve(recordBytes)
    records.bytes.write(md5, records.length, 'hex')
    records.bytes.writeUInt32LE(offset, records.length + 16)
    records.bytes.writeUInt32LE(end + 1, records.length + 20)
    records.length += recordBytes
    waiting.append(stanza, 0, end)
    waiting.append(newline, 0, 1)
    if (waiting.length > batchBytes) await flush()
  }
  const table = sortRecords(records.values())
  const trailer = Buffer.alloc(trailerBytes)
  createHash('sha256').update(table).digest().copy(trailer)
  trailer.writeUInt32LE(table.length / recordBytes, 32)
  trailer.write(magic, 36, 'latin1')
  waiting.append(table, 0, table.length)
  waiting.append(trailer, 0, trailerBytes)
  await flush()
}

const batchBytes = 1024 * 1024
const newline = Buffer.from('\n')
const usualField = Buffer.from('\nDescription-md5: ')

/** Every archive writes the field in the same way; a regular expression over all text would take most of the time. */
function checksumOf(stanza: Buffer): string | undefined {
  const at = stanza.indexOf(usualField)
  const start = at + usualField.length
  const usual = at < 0 ? '' : stanza.toString('latin1', start, start + 33)
  if (/^[0-9a-f]{32}\n?$/.test(usual)) return usual.slice(0, 32)
  return /^Description-md5:[ \t]*([0-9a-f]{32})[ \t\r]*$/im.exec(stanza.toString('latin1'))?.[1]
}

/**
 * By checksum, then by offset. The first 32 bits of a checksum and the number of its record fit into a double, and
 * numbers are sorted an order of magnitude quicker than records; the few that begin alike are compared in full.
 */
function sortRecords(records: Buffer): Buffer {
  const count = records.length / recordBytes
  const keys = new Float64Array(count)
  for (let row = 0; row < count; row++) keys[row] = records.readUInt32BE(row * recordBytes) * 2 ** 21 + row
  const order = count <= 2 ** 21 ? Array.from(keys.sort(), (key) => key % 2 ** 21) : Array.from(keys.keys())
  const record = (row: number): Buffer => records.subarray(row * recordBytes, (row + 1) * recordBytes)
  const beginsAs = (row: number): number => (count <= 2 ** 21 ? records.readUInt32BE(row * recordBytes) : 0)
  const sorted: Buffer[] = []
  for (let at = 0; at < count;) {
    let end = at + 1
    while (end < count && beginsAs(order[end]!) === beginsAs(order[at]!)) end++
    sorted.push(...order.slice(at, end).map(record).sort(byMd5ThenOffset))
    at = end
  }
  return Buffer.concat(sorted)
}

const recordBytes = 24
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

/** Without the line ends after it. */
function endOfText(stanza: Buffer): number {
  let end = stanza.length
  while (end > 0 && (stanza[end - 1] === 0x0a || stanza[end - 1] === 0x0d)) end--
  return end
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
