import type { FileHandle } from 'node:fs/promises'
import { LarderError } from '../../core/index.ts'
import { ByteHeap } from '../../table/index.ts'
import { splitStanzas } from '../control.ts'

/** MD5 (16), offset of the stanza in the text (u32), its length with one newline (u32). */
export const recordBytes = 24

/** Longest stanza. */
const maxStanzaBytes = 1024 * 1024
const readBytes = 1024 * 1024

/**
 * Finds the stanzas of a Translation-en and what they are looked up by: a search for the next empty line costs a fraction of
 * taking every line by itself. APT_STANZA_MALFORMED.
 */
export async function findRecords(file: FileHandle): Promise<Buffer> {
  const records = new ByteHeap()
  const window = Buffer.allocUnsafeSlow(maxStanzaBytes + readBytes)
  // What is in the window, and where in the text it begins.
  for (let [filled, offset] = [0, 0]; ;) {
    const { bytesRead } = await file.read(window, filled, window.length - filled, offset + filled)
    filled += bytesRead
    const text = window.subarray(0, filled)
    if (bytesRead === 0) {
      addRecords(text, offset, records)
      return records.values()
    }
    if (filled < window.length) continue
    const end = endOfStanzas(text)
    addRecords(text.subarray(0, end), offset, records)
    window.copyWithin(0, end, filled)
    filled -= end
    offset += end
  }
}

const newline = 0x0a
const emptyLine = Buffer.from('\n\n')
const emptyLineOfReturns = Buffer.from('\n\r\n')
const usualField = Buffer.from('Description-md5: ')

/** Up to and with the last empty line. */
function endOfStanzas(bytes: Buffer): number {
  const end = Math.max(bytes.lastIndexOf(emptyLine) + 2, bytes.lastIndexOf(emptyLineOfReturns) + 3)
  if (end > 2) return end
  throw tooLong()
}

/** Entries without a checksum are left out, and those beyond what 32 bits reach. */
function addRecords(text: Buffer, offset: number, records: ByteHeap): void {
  const add = (start: number, end: number): void => {
    if (end - start > maxStanzaBytes) throw tooLong()
    records.reserve(recordBytes)
    if (offset + end + 1 >= 2 ** 32 || !writeChecksum(text, { start, end }, records)) return
    records.bytes.writeUInt32LE(offset + start, records.length + 16)
    records.bytes.writeUInt32LE(end - start + 1, records.length + 20)
    records.length += recordBytes
  }
  if (text.includes('\r')) {
    for (const { bytes } of splitStanzas(text)) {
      const start = bytes.byteOffset - text.byteOffset
      add(start, endOfText(text, start + bytes.length))
    }
    return
  }
  for (let start = skipNewlines(text, 0); start < text.length;) {
    const found = text.indexOf(emptyLine, start)
    const end = found < 0 ? endOfText(text, text.length) : found
    add(start, end)
    start = skipNewlines(text, end)
  }
}

/**
 * To the end of the records, without making them longer. Every archive writes the field in the same way behind the name;
 * where it is written otherwise, it is looked for with more patience. False where there is none.
 */
function writeChecksum(text: Buffer, { start, end }: { start: number; end: number }, records: ByteHeap): boolean {
  let at = start
  while (at < end && text[at] !== newline) at++
  const digits = at + 1 + usualField.length
  if (isUsual(text, at + 1) && isEnd(text[digits + 32]) && writeHex(text, digits, records)) return true
  const stanza = text.toString('latin1', start, end)
  const md5 = /^Description-md5:[ \t]*([0-9a-f]{32})[ \t\r]*$/im.exec(stanza)?.[1]
  return md5 !== undefined && records.bytes.write(md5, records.length, 'hex') === 16
}

function isUsual(text: Buffer, at: number): boolean {
  for (let i = 0; i < usualField.length; i++) if (text[at + i] !== usualField[i]) return false
  return true
}

function isEnd(byte: number | undefined): boolean {
  return byte === newline || byte === undefined
}

function writeHex(text: Buffer, digits: number, { bytes, length }: ByteHeap): boolean {
  let all = 0
  for (let i = 0; i < 16; i++) {
    const high = hexDigits[text[digits + 2 * i] ?? 0]!
    const low = hexDigits[text[digits + 2 * i + 1] ?? 0]!
    all |= high | low
    bytes[length + i] = (high << 4) | low
  }
  return all >= 0
}

/** By byte; -1 for what is none, or a capital letter, which no archive writes. */
const hexDigits = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) hexDigits[digit.toString(16).charCodeAt(0)] = digit

function skipNewlines(text: Buffer, from: number): number {
  let at = from
  while (text[at] === newline) at++
  return at
}

/** Without the line ends before it. */
function endOfText(text: Buffer, from: number): number {
  let end = from
  while (end > 0 && (text[end - 1] === newline || text[end - 1] === 0x0d)) end--
  return end
}

function tooLong(): LarderError {
  return new LarderError('APT_STANZA_MALFORMED', {
    message: `Translation-en: a stanza is longer than ${maxStanzaBytes} bytes.`,
    context: { maxStanzaBytes },
  })
}
