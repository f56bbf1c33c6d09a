import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digestOf, hexOf, LarderError } from '../../core/index.ts'
import { openTestStore, type TestStore } from '../../store/testing/index.ts'
import type { Upload } from '../../store/index.ts'
import { appendPart } from './append-part.ts'

const bytes = randomBytes(1_400_000)

/** The same memory for every piece, as a server may use it. */
async function* pieces(content: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  const piece = new Uint8Array(size)
  for (let start = 0; start < content.length; start += size) {
    const part = content.subarray(start, start + size)
    piece.set(part)
    yield piece.subarray(0, part.length)
    piece.fill(0)
  }
}

async function openUpload({ store, leases }: TestStore): Promise<Upload> {
  return store.openUpload(await leases.acquire('test'), 'key')
}

describe('appendPart', () => {
  it.each([1000, 65_536, 524_287, 524_288, 600_000, 1_400_000, 2_000_000])('in pieces of %i', async (size) => {
    await using test = await openTestStore()
    const upload = await openUpload(test)
    const progress: number[] = []
    const part = { body: pieces(bytes, size), lengthBytes: bytes.length }
    expect(await appendPart(upload, part, (offset) => progress.push(offset))).toBe(bytes.length)
    expect(progress.at(-1)).toBe(bytes.length)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    await upload.commit({ sha256: hexOf(digestOf(bytes)) })
  })

  it('keeps what came before the body broke off', async () => {
    await using test = await openTestStore()
    const upload = await openUpload(test)
    const broken = async function* () {
      yield* pieces(bytes.subarray(0, 700_000), 70_000)
      throw new Error('gone')
    }
    let told = 0
    await expect(appendPart(upload, { body: broken() }, (offset) => (told = offset))).rejects.toThrow('gone')
    expect([upload.offsetBytes, told]).toEqual([700_000, 700_000])
    const rest = { body: pieces(bytes.subarray(700_000), 70_000), startBytes: 700_000 }
    expect(await appendPart(upload, rest, () => undefined)).toBe(bytes.length)
    await upload.commit({ sha256: hexOf(digestOf(bytes)) })
  })

  it('with a full disk tells what is really held', async () => {
    await using test = await openTestStore()
    const upload = await openUpload(test)
    const append = upload.append.bind(upload)
    let calls = 0
    upload.append = async (chunk) => {
      if (++calls === 2) throw new LarderError('DISK_FULL', { message: 'full' })
      await append(chunk)
    }
    let told = 0
    const part = { body: pieces(bytes, 65_536) }
    await expect(appendPart(upload, part, (offset) => (told = offset))).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(told).toBe(upload.offsetBytes)
    expect(told).toBe(65_536)
    expect(calls).toBe(2)
    const rest = { body: pieces(bytes.subarray(told), 65_536), startBytes: told }
    expect(await appendPart(upload, rest, () => undefined)).toBe(bytes.length)
    await upload.commit({ sha256: hexOf(digestOf(bytes)) })
  })

  it.each([
    ['more', 1_399_999],
    ['fewer', 1_400_001],
  ])('%s bytes than promised are OCI_SIZE_INVALID', async (how, lengthBytes) => {
    await using test = await openTestStore()
    const upload = await openUpload(test)
    const part = { body: pieces(bytes, 65_536), lengthBytes }
    await expect(appendPart(upload, part, () => undefined)).rejects.toMatchObject({
      code: 'OCI_SIZE_INVALID',
      message: expect.stringContaining(how) as string,
    })
    await upload.abort()
  })
})
