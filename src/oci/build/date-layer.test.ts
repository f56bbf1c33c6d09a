import { Readable } from 'node:stream'
import fc from 'fast-check'
import { extract } from 'tar-stream'
import { expect, it } from 'vitest'
import { collect } from '../../core/testing/collect.ts'
import { makeArchive } from '../testing/archive.ts'
import { dateLayer } from './date-layer.ts'

const date = new Date('1980-01-01T00:00:00Z')

async function dated(archive: Buffer, pieceBytes = archive.length): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(archive.length / pieceBytes) }, (_, index) =>
    archive.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  )
  return Buffer.concat((await Readable.from(pieces).pipe(dateLayer(date)).toArray()) as Buffer[])
}

it('dates all entries, whatever the pieces that the archive comes in, and changes nothing else', async () => {
  const entry = fc.record({
    name: fc.stringMatching(/^[a-z]{1,200}$/),
    content: fc.string({ maxLength: 2000 }),
    mtime: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 5 }), fc.integer({ min: 1, max: 3000 }), async (entries, size) => {
      const archive = await makeArchive(entries)
      const result = await dated(archive, size)
      expect(await read(result)).toEqual(await read(await makeArchive(entries.map((one) => ({ ...one, mtime: date })))))
      expect(result.length).toBe(archive.length)
    }),
    { numRuns: 100 },
  )
})

async function read(archive: Buffer): Promise<unknown[]> {
  const entries: unknown[] = []
  const reader = extract()
  reader.end(archive)
  for await (const entry of reader) {
    const parts = await collect(entry as AsyncIterable<Buffer>)
    const { name, mtime, pax, size } = entry.header
    entries.push({ header: { name, mtime, pax, size }, content: Buffer.concat(parts).toString() })
  }
  return entries
}

it('keeps extended headers as they are', async () => {
  const pax = { 'SCHILY.xattr.user.a': 'b' }
  const result = await dated(await makeArchive([{ name: 'é'.repeat(120), pax, content: 'x' }]))
  const header = { name: 'é'.repeat(120), mtime: date, pax: expect.objectContaining(pax) as object }
  expect(await read(result)).toMatchObject([{ header, content: 'x' }])
})

it('refuses an archive that ends in the middle', async () => {
  const archive = await makeArchive([{ name: 'a', content: 'x'.repeat(2000) }])
  await expect(dated(archive.subarray(0, 1500))).rejects.toThrow('too early')
})
