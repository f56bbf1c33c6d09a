import { promisify } from 'node:util'
import { constants, deflateRaw } from 'node:zlib'
import { combineCrc32 } from './crc32-combine.ts'

const deflate = promisify(deflateRaw)

/**
 * Raw deflate blocks of one piece, ended by a full flush: byte-aligned, without back references to what is before
 * it, and not the last of the stream. So pieces compressed apart can follow one another in one gzip member.
 * Level 6: 60 MB/s, 4 % smaller than level 4.
 */
export async function gzipPiece(plain: Buffer): Promise<Buffer> {
  return await deflate(plain, { level: 6, finishFlush: constants.Z_FULL_FLUSH })
}

/** Without name and time, so that equal content gives equal bytes; written on "unknown" system. RFC 1952 §2.3. */
export const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])

/** An empty last block (RFC 1951 §3.2.6), CRC-32 and length of all pieces (RFC 1952 §2.3.1). */
export function gzipTrailer(pieces: readonly { crc32: number; sizeBytes: number }[]): Buffer {
  const trailer = Buffer.alloc(10)
  trailer[0] = 0x03
  let crc32 = 0
  let sizeBytes = 0
  for (const piece of pieces) {
    crc32 = combineCrc32(crc32, piece.crc32, piece.sizeBytes)
    sizeBytes += piece.sizeBytes
  }
  trailer.writeUInt32LE(crc32, 2)
  trailer.writeUInt32LE(sizeBytes % 2 ** 32, 6)
  return trailer
}
