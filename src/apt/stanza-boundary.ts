import { LarderError } from '../core/index.ts'

/** Where stanzas stand in a buffer: cuts at empty lines, looks at nothing else. */
export function* splitStanzas(bytes: Uint8Array): Generator<{ bytes: Buffer; line: number }> {
  const buffer = asBuffer(bytes)
  let start = 0
  let startLine = 1
  let line = 1
  let at = 0
  while (at < buffer.length) {
    const end = buffer.indexOf(newline, at)
    const next = end < 0 ? buffer.length : end + 1
    if (isEmptyLine(buffer, at, next)) {
      if (start < at) yield { bytes: buffer.subarray(start, at), line: startLine }
      start = next
      startLine = line + 1
    }
    line++
    at = next
  }
  if (start < buffer.length) yield { bytes: buffer.subarray(start), line: startLine }
}

export interface StreamLimits {
  /** Longest stanza in bytes. Default: 8 MiB. */
  maxStanzaBytes?: number
  file?: string
}

const defaultMaxStanzaBytes = 8 * 1024 * 1024

/**
 * Stanzas of a stream, one after the other, holding no more than one chunk and one stanza in memory. The bytes of a
 * stanza stay valid only as long as those of the chunk that they came in.
 *
 * @throws APT_STANZA_MALFORMED for a stanza longer than the limit
 */
export async function* streamStanzas(
  chunks: AsyncIterable<Uint8Array>,
  limits: StreamLimits = {},
): AsyncGenerator<Buffer> {
  const maxStanzaBytes = limits.maxStanzaBytes ?? defaultMaxStanzaBytes
  const pending = new PendingStanza(maxStanzaBytes, limits.file)
  for await (const chunk of chunks) {
    const buffer = asBuffer(chunk)
    let lineStart = 0
    let stanzaStart = 0
    while (lineStart < buffer.length) {
      const end = buffer.indexOf(newline, lineStart)
      if (end < 0) break
      if (pending.lineIsEmpty(buffer, lineStart, end + 1)) {
        const stanza = pending.closeAtEmptyLine(buffer.subarray(stanzaStart, lineStart))
        if (stanza !== undefined) yield stanza
        stanzaStart = end + 1
      }
      lineStart = end + 1
      pending.startLine()
    }
    pending.keep(buffer.subarray(stanzaStart), lineStart < buffer.length ? buffer.subarray(lineStart) : undefined)
  }
  const last = pending.close(Buffer.alloc(0))
  if (last !== undefined) yield last
}

/** The beginning of a stanza, whose end is in a later chunk. */
class PendingStanza {
  private parts: Buffer[] = []
  private sizeBytes = 0
  /** Bytes of the line that the last chunk broke off in; only whether they are nothing or one CR matters. */
  private brokenLineBytes = 0
  private brokenLineIsReturn = false
  private readonly maxStanzaBytes: number
  private readonly file: string | undefined

  constructor(maxStanzaBytes: number, file: string | undefined) {
    this.maxStanzaBytes = maxStanzaBytes
    this.file = file
  }

  lineIsEmpty(buffer: Buffer, start: number, end: number): boolean {
    if (this.brokenLineBytes === 0) return isEmptyLine(buffer, start, end)
    return this.brokenLineBytes === 1 && this.brokenLineIsReturn && end - start === 1
  }

  startLine(): void {
    this.brokenLineBytes = 0
  }

  keep(rest: Buffer, brokenLine: Buffer | undefined): void {
    if (rest.length > 0) {
      this.parts.push(rest)
      this.grow(rest.length)
    }
    if (brokenLine === undefined) return
    this.brokenLineIsReturn = this.brokenLineBytes === 0 && brokenLine.length === 1 && brokenLine[0] === carriageReturn
    this.brokenLineBytes += brokenLine.length
  }

  close(rest: Buffer): Buffer | undefined {
    this.grow(rest.length)
    const parts = this.parts
    parts.push(rest)
    const stanza = parts.length === 1 ? rest : Buffer.concat(parts)
    this.parts = []
    this.sizeBytes = 0
    return isBlank(stanza) ? undefined : stanza
  }

  /** As `close`, at an empty line; takes away its CR when that came with an earlier chunk. */
  closeAtEmptyLine(rest: Buffer): Buffer | undefined {
    const hasReturn = this.brokenLineBytes === 1
    const stanza = this.close(rest)
    return hasReturn ? stanza?.subarray(0, -1) : stanza
  }

  private grow(addedBytes: number): void {
    this.sizeBytes += addedBytes
    if (this.sizeBytes <= this.maxStanzaBytes) return
    throw new LarderError('APT_STANZA_MALFORMED', {
      message: `${this.file ?? 'control data'}: a stanza is longer than ${this.maxStanzaBytes} bytes.`,
      context: { file: this.file, maxStanzaBytes: this.maxStanzaBytes },
    })
  }
}

const newline = 0x0a
const carriageReturn = 0x0d

function isEmptyLine(buffer: Buffer, start: number, end: number): boolean {
  const length = end - start
  if (length === 1) return buffer[start] === newline
  return length === 2 && buffer[start] === carriageReturn && buffer[start + 1] === newline
}

/** Nothing but what is left of an empty line that the stream ends in. */
function isBlank(stanza: Buffer): boolean {
  return stanza.length === 0 || (stanza.length === 1 && stanza[0] === carriageReturn)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
