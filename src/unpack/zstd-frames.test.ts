import { execFileSync } from 'node:child_process'
import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decompress } from './decompress.ts'

/** Of a kind that decoders pass over. Source: RFC 8878, section 3.1.2. */
function skippable(content: Buffer, kind = 0): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(0x184d2a50 + kind, 0)
  header.writeUInt32LE(content.length, 4)
  return Buffer.concat([header, content])
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function unpack(bytes: Buffer, pieceBytes = 5000): Promise<Buffer> {
  const options = { maxBytes: 50_000_000, signal: new AbortController().signal, label: 'layer' }
  const chunks: Buffer[] = []
  for await (const chunk of decompress(pieces(bytes, pieceBytes), 'zst', options)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  // Blocks of one byte repeated, of bytes as they are, and more than one block.
  fc.integer({ min: 0, max: 400_000 }).map((length) => Buffer.alloc(length, 7)),
  fc.integer({ min: 1, max: 300_000 }).map((length) => Buffer.from(Array.from({ length }, (_, at) => (at * at) >> 3))),
)
const frame = fc.record({ content, hasChecksum: fc.boolean(), hasSize: fc.boolean(), isSkippable: fc.boolean() })

it('any frames in a row, in any pieces, are what they are one by one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 200_000 }),
      async (frames, pieceBytes) => {
        const packed = frames.map((one) => {
          if (one.isSkippable) return skippable(one.content, one.content.length % 16)
          const params = {
            [constants.ZSTD_c_checksumFlag]: one.hasChecksum ? 1 : 0,
            [constants.ZSTD_c_contentSizeFlag]: one.hasSize ? 1 : 0,
          }
          return zstdCompressSync(one.content, { params })
        })
        const wanted = frames.filter((one) => !one.isSkippable).map((one) => one.content)
        const bytes = Buffer.concat(packed)
        const found = await unpack(bytes, Math.max(pieceBytes, bytes.length / 2000))
        expect(found.equals(Buffer.concat(wanted))).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

const [first, second] = [zstdCompressSync(Buffer.alloc(9000, 'a')), zstdCompressSync(Buffer.from('more'))]

it.each([
  ['cut in its second frame', Buffer.concat([first, second.subarray(0, -1)])],
  ['cut in a header', Buffer.concat([first, second.subarray(0, 5)])],
  ['cut in a magic number', Buffer.concat([first, second.subarray(0, 2)])],
  ['followed by noise', Buffer.concat([first, second, Buffer.from('noise')])],
  ['followed by a zero', Buffer.concat([first, Buffer.alloc(1)])],
  ['gzip', execFileSync('gzip', ['-c'], { input: 'text' })],
])('what is %s is refused', async (_what, bytes) => {
  await expect(unpack(bytes)).rejects.toMatchObject({ code: 'DECOMPRESS_FAILED' })
})

it('a bomb of many frames is stopped', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(20_000_000))
  await expect(unpack(Buffer.concat([bomb, bomb, bomb]))).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
})
