import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutXzBlocks, xzHeader, xzTrailer } from './xz-container.ts'
import { xzBlocks } from './xz-blocks.ts'

const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { minLength: 1, maxLength: 20 })

describe('xz streams put together from blocks', () => {
  test('unpack to the pieces, whatever they were compressed with', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, pieces, async (one, other) => {
        const [a, b] = [one.map((each) => Buffer.from(each)), other.map((each) => Buffer.from(each))]
        const blocks = [...(await xzBlocks(a))!, ...(await xzBlocks(b))!]
        const stream = Buffer.concat([xzHeader, ...blocks.map((block) => block.bytes), xzTrailer(blocks)])
        const { status, stdout } = spawnSync('xz', ['-dc'], { input: stream })
        expect(status).toBe(0)
        expect(stdout.equals(Buffer.concat([...a, ...b]))).toBe(true)
      }),
      { numRuns: 15 },
    )
  })

  test('the bytes of a block do not depend on its neighbours', async () => {
    const [a, b, c] = ['aaaa'.repeat(500), 'abab'.repeat(700), 'c'].map((text) => Buffer.from(text))
    const together = await xzBlocks([a!, b!, c!])
    const alone = await Promise.all([a, b, c].map(async (piece) => (await xzBlocks([piece!]))![0]!))
    expect(together).toEqual(alone)
  })

  test('a stream of xz itself is cut and put together to the same bytes', () => {
    const input = Buffer.from('text '.repeat(10_000))
    const args = ['-c', '--threads=1', '--check=crc32', '--block-list=20000,20000,10000']
    const { stdout } = spawnSync('xz', args, { input })
    const blocks = cutXzBlocks(stdout)
    expect(blocks.map((block) => block.uncompressedSizeBytes)).toEqual([20_000, 20_000, 10_000])
    expect(Buffer.concat([xzHeader, ...blocks.map((block) => block.bytes), xzTrailer(blocks)]).equals(stdout)).toBe(
      true,
    )
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['only a header', xzHeader],
    ['text', Buffer.from('x'.repeat(100))],
    ['a stream with CRC64', spawnSync('xz', ['-c', '--check=crc64'], { input: 'text' }).stdout],
    ['a truncated stream', spawnSync('xz', ['-c', '--check=crc32'], { input: 'text' }).stdout.subarray(0, -1)],
  ])('%s is not cut', (_, bytes) => {
    expect(() => cutXzBlocks(bytes)).toThrow('xz gave no stream')
  })
})
