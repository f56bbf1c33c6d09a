import { LarderError } from '../../core/index.ts'
import { ByteHeap } from '../../table/index.ts'
import { splitStanzas } from '../control.ts'

/** MD5 (16), offset of the stanza in the text (u32), its length with one newline (u32). */
export const recordBytes = 24

/** Longest stanza. */
const maxStanzaBytes = 1024 * 1024
const windowBytes = 4 * maxStanzaBytes

/**
 * Finds the stanzas of a Translation-en and what they are looked up by, many at a time: a search for the next empty
 * line and for the next checksum costs a fraction of taking every line by itself. `text` is handed on to whoever
 * keeps it. APT_STANZA_MALFORMED, and whatever the stream throws.
 */
export async function readRecords(
  stream: AsyncIterable<Buffer>,
  write: (text: Buffer) => Promise<void>,
): Promise<Buffer> {
  const records = new ByteHeap()
  const pending = new ByteHeap(windowBytes + 1024 * 1024)
  let written = 0
  const take = async (end: number): Promise<void> => {
    const text = withoutReturns(pending.bytes.subarray(0, end))
    addRecords(text, written, records)
    await write(text)
    written += text.length
    pending.discard(end)
  }
  for await (const chunk of stream) {
    pending.append(chunk, 0, chunk.length)
    if (pending.length >= windowBytes) await take(endOfStanzas(pending.values()))
  }
  if (pending.length > 0 && pending.bytes[pending.length - 1] !== newline) pending.append(emptyLine, 0, 1)
  await take(pending.length)
  return records.values()
}

const newline = 0x0a
const emptyLine = Buffer.from('\n\n')
const emptyLineOfReturns = Buffer.from('\n\r\n')
const usualField = Buffer.from('\nDescription-md5: ')

/** Up to and with the last empty line. */
function endOfStanzas(bytes: Buffer): number {
  const end = Math.max(bytes.lastIndexOf(emptyLine) + 2, bytes.lastIndexOf(emptyLineOfReturns) + 3)
  if (end > 2) return end
  throw tooLong()
}

/** Text of another system is brought into the usual form, so that stanzas are handed out alike. */
function withoutReturns(bytes: Buffer): Buffer {
  if (!bytes.includes('\r')) return bytes
  const stanzas = [...splitStanzas(bytes)].map((stanza) => stanza.bytes.subarray(0, endOfText(stanza.bytes)))
  return Buffer.concat(stanzas.flatMap((stanza) => [stanza, emptyLine]))
}

/** Entries without a checksum are left out, and those beyond what 32 bits reach. */
function addRecords(text: Buffer, offset: number, records: ByteHeap): void {
  let field = text.indexOf(usualField)
  for (let start = skipNewlines(text, 0); start < text.length;) {
    const found = text.indexOf(emptyLine, start)
    const end = found < 0 ? endOfText(text) : found
    if (end - start > maxStanzaBytes) throw tooLong()
    while (field >= 0 && field < start) field = text.indexOf(usualField, start)
    const md5 = checksumOf(text.subarray(start, end), field < 0 ? end : field - start)
    if (md5 !== undefined && offset + end + 1 < 2 ** 32) {
      records.reserve(recordBytes)
      records.bytes.write(md5, records.length, 'hex')
      records.bytes.writeUInt32LE(offset + start, records.length + 16)
      records.bytes.writeUInt32LE(end - start + 1, records.length + 20)
      records.length += recordBytes
    }
    start = skipNewlines(text, end)
  }
}

/** Every archive writes the field in the same way; where it is written otherwise, it is looked for with more patience. */
function checksumOf(stanza: Buffer, field: number): string | undefined {
  const start = field + usualField.length
  const usual = field < stanza.length ? stanza.toString('latin1', start, start + 33) : ''
  if (/^[0-9a-f]{32}\n?$/.test(usual)) return usual.slice(0, 32)
  return /^Description-md5:[ \t]*([0-9a-f]{32})[ \t\r]*$/im.exec(stanza.toString('latin1'))?.[1]
}

function skipNewlines(text: Buffer, from: number): number {
  let at = from
  while (text[at] === newline) at++
  return at
}

/** Without the line ends after it. */
function endOfText(stanza: Buffer): number {
  let end = stanza.length
  while (end > 0 && (stanza[end - 1] === 0x0a || stanza[end - 1] === 0x0d)) end--
  return end
}

function tooLong(): LarderError {
  return new LarderError('APT_STANZA_MALFORMED', {
    message: `Translation-en: a stanza is longer than ${maxStanzaBytes} bytes.`,
    context: { maxStanzaBytes },
  })
}
