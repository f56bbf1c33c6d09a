import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scanStream } from './scan-stream.ts'

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Lines of random length, as a scanner sees them that takes whole lines only. */
async function scanLines(bytes: Buffer, size: number) {
  const lines: number[] = []
  const written: Buffer[] = []
  let seenBytes = 0
  await scanStream(pieces(bytes, size), {
    scan: (part, { offset, isLast }) => {
      seenBytes += part.length
      const done = isLast ? part.length : part.lastIndexOf('\n') + 1
      for (let at = part.indexOf('\n'); at >= 0 && at < done; at = part.indexOf('\n', at + 1)) lines.push(offset + at)
      return done
    },
    write: async (part) => {
      await Promise.resolve()
      written.push(Buffer.from(part))
    },
    label: 'lines',
    maxTotalBytes: 1e9,
  })
  return { lines, written: Buffer.concat(written), seenBytes }
}

test('every byte is scanned at its place and written once, whatever the chunks', async () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 1000, max: 3_000_000 }), async (all, size) => {
      const bytes = Buffer.from(all.map((length, index) => `${String(index % 10).repeat(length)}\n`).join(''))
      const { lines, written } = await scanLines(bytes, size)
      const places: number[] = []
      for (let at = bytes.indexOf('\n'); at >= 0; at = bytes.indexOf('\n', at + 1)) places.push(at)
      expect(lines).toEqual(places)
      expect(written.equals(bytes)).toBe(true)
    }),
    { numRuns: 40 },
  )
})

test('one record of 20 MB is not looked at again with every chunk', async () => {
  const bytes = Buffer.alloc(20_000_000, 'x')
  const { seenBytes, written } = await scanLines(bytes, 65_536)
  expect(seenBytes).toBeLessThan(4 * bytes.length)
  expect(written.length).toBe(bytes.length)
})

test('a stream above the limit ends with an error', async () => {
  const scan = scanStream(pieces(Buffer.alloc(300_000), 1000), {
    scan: (part) => part.length,
    label: 'zeros',
    maxTotalBytes: 200_000,
  })
  await expect(scan).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
})
