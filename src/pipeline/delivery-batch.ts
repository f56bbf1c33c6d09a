import { crc32 } from 'node:zlib'

/** A delivery as it came, with the number and time that it got here. */
export interface JournalRecord {
  id: number
  /** ISO 8601 UTC. */
  receivedAt: string
  forge: string
  repository: string
  deliveryId: string
  event: string
  body: string
}

/** Blocks of a disk are written whole: a batch that is cut off takes nothing with it that was there before. */
export const blockBytes = 4096

/** Its NUL is in no header and in no JSON text, so that nothing that somebody delivers can look like a batch. */
const magic = 0x4c444a00
const headerBytes = 24

/**
 * Writes records as one batch into `target`, or into a new buffer when that is too small, and answers the part that was
 * written, filled up to whole blocks, and where the bodies are. The batch: magic, CRC-32 of all that follows, length, length of the list (each four
 * bytes, big-endian), lap (eight bytes), the list of what records are as JSON, and their bodies one after the other.
 */
export function encodeBatch(
  records: readonly JournalRecord[],
  lap: number,
  target: Buffer,
): { bytes: Buffer; bodies: BodyPlace[] } {
  const list = Buffer.from(JSON.stringify(records.map(listed)))
  const bodiesBytes = records.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
  const length = headerBytes + list.length + bodiesBytes
  const whole = Math.ceil(length / blockBytes) * blockBytes
  const bytes = whole <= target.length ? target.subarray(0, whole) : Buffer.allocUnsafeSlow(whole)
  bytes.writeUInt32BE(magic, 0)
  bytes.writeUInt32BE(length, 8)
  bytes.writeUInt32BE(list.length, 12)
  bytes.writeBigUInt64BE(BigInt(lap), 16)
  list.copy(bytes, headerBytes)
  let end = headerBytes + list.length
  const bodies = records.map(({ body }): BodyPlace => {
    const [at, written] = [end, bytes.write(body, end)]
    end += written
    return { at, bytes: written }
  })
  bytes.fill(0, end)
  bytes.writeUInt32BE(crc32(bytes.subarray(8, length)), 4)
  return { bytes, bodies }
}

/** Where the UTF-8 of a body is, from the beginning of its batch. */
export interface BodyPlace {
  at: number
  bytes: number
}

/** The batch that begins at `start`, and where the next may begin; undefined when there is none that is whole. */
export function decodeBatch(
  bytes: Buffer,
  start: number,
): { lap: number; records: JournalRecord[]; end: number } | undefined {
  if (!beginsBatch(bytes.subarray(start))) return undefined
  const length = bytes.readUInt32BE(start + 8)
  if (length < headerBytes || start + length > bytes.length) return undefined
  const batch = bytes.subarray(start, start + length)
  if (crc32(batch.subarray(8)) !== batch.readUInt32BE(4)) return undefined
  let at = headerBytes + batch.readUInt32BE(12)
  const list = JSON.parse(batch.toString('utf8', headerBytes, at)) as Listed[]
  const records = list.map(([id, receivedAt, forge, repository, deliveryId, event, bodyBytes]) => {
    const body = batch.toString('utf8', at, at + bodyBytes)
    at += bodyBytes
    return { id, receivedAt, forge, repository, deliveryId, event, body }
  })
  return { lap: Number(batch.readBigUInt64BE(16)), records, end: start + Math.ceil(length / blockBytes) * blockBytes }
}

/** Whether it may be one: by its first bytes. */
export function beginsBatch(bytes: Buffer): boolean {
  return bytes.length >= headerBytes && bytes.readUInt32BE(0) === magic
}

type Listed = [number, string, string, string, string, string, number]

function listed({ id, receivedAt, forge, repository, deliveryId, event, body }: JournalRecord): Listed {
  return [id, receivedAt, forge, repository, deliveryId, event, Buffer.byteLength(body)]
}
