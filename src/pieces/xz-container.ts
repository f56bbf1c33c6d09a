import { crc32 } from 'node:zlib'

/**
 * The frame of an .xz stream, so that blocks compressed apart are put together as one stream: apt reads the first
 * stream of a file only. Source: "The .xz File Format" 1.1.0, sections given below.
 */
export interface XzBlock {
  /** Header, compressed data and check, without padding (§4.2 "Unpadded Size"). */
  unpaddedSizeBytes: number
  uncompressedSizeBytes: number
}

/** §2.1.1: magic, flags for a CRC32 after each block, CRC32 of the flags. */
export const xzHeader = Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), checkedFlags()])

/** Index (§4) and stream footer (§2.1.2) for these blocks. */
export function xzTrailer(blocks: readonly XzBlock[]): Buffer {
  const numbers = blocks.flatMap((block) => [block.unpaddedSizeBytes, block.uncompressedSizeBytes])
  const records = [0, ...encodeNumber(blocks.length), ...numbers.flatMap(encodeNumber)]
  while (records.length % 4 !== 0) records.push(0)
  const index = withCrc32After(Buffer.from(records))
  const footer = Buffer.alloc(6)
  footer.writeUInt32LE(index.length / 4 - 1, 0)
  footer.set(streamFlags, 4)
  return Buffer.concat([index, crc32Bytes(footer), footer, Buffer.from('YZ')])
}

/**
 * Cuts the blocks, each with its padding, out of one whole stream.
 *
 * @throws Error when the stream is not of the form that our own call of xz gives: a bug or a broken xz
 */
export function cutXzBlocks(stream: Buffer): (XzBlock & { bytes: Buffer })[] {
  const footer = stream.subarray(-12)
  const sound =
    stream.length >= 32 &&
    stream.subarray(0, 12).equals(xzHeader) &&
    footer.subarray(10).equals(Buffer.from('YZ')) &&
    footer.subarray(0, 4).equals(crc32Bytes(footer.subarray(4, 10)))
  if (!sound) throw new Error('xz gave no stream with CRC32 checks')
  const indexSizeBytes = (footer.readUInt32LE(4) + 1) * 4
  const indexStart = stream.length - 12 - indexSizeBytes
  const blocks = readIndex(stream.subarray(indexStart, stream.length - 12))
  let position = xzHeader.length
  const cut = blocks.map((block) => {
    const start = position
    position += Math.ceil(block.unpaddedSizeBytes / 4) * 4
    return { ...block, bytes: stream.subarray(start, position) }
  })
  if (position !== indexStart) throw new Error('the index of the stream from xz does not fit its blocks')
  return cut
}

/** §2.1.1.2: check type 1. */
const streamFlags = [0x00, 0x01]

function checkedFlags(): Buffer {
  return withCrc32After(Buffer.from([0x00, 0x01]))
}

function readIndex(index: Buffer): XzBlock[] {
  let position = 1
  const next = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = index.readUInt8(position++)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
      if (shift > 42) throw new Error('a number in the index of the stream from xz is too large')
    }
  }
  const count = next()
  return Array.from({ length: count }, () => ({ unpaddedSizeBytes: next(), uncompressedSizeBytes: next() }))
}

/** §1.2: seven bits to a byte, least first. */
function encodeNumber(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return bytes
}

function withCrc32After(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, crc32Bytes(bytes)])
}

function crc32Bytes(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(bytes))
  return sum
}
