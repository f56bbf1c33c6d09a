import { mkdtemp, open, readFile, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { compress } from '../../test/fixtures/upstream/index.ts'
import { unpackToFile } from './unpack-to-file.ts'

let folder: string
let file: FileHandle
const { signal } = new AbortController()
const text = Buffer.alloc(100_000, 'some text\n')
const packed = compress(text, 'xz')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-unpack-'))
  file = await open(join(folder, 'text'), 'wx+')
})
afterEach(async () => {
  await file.close()
  await rm(folder, { recursive: true, force: true })
})

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes)
}

it('writes several streams behind one another', async () => {
  const source = once(Buffer.concat([packed, packed]))
  await unpackToFile(source, file, { exactBytes: 2 * text.length, signal, label: 'two' })
  expect((await readFile(join(folder, 'text'))).equals(Buffer.concat([text, text]))).toBe(true)
})

it.each<[string, Buffer, object, string]>([
  ['no xz', text, {}, 'DECOMPRESS_FAILED'],
  ['something behind it', Buffer.concat([packed, text]), {}, 'DECOMPRESS_FAILED'],
  ['too much', packed, { exactBytes: 10 }, 'DECOMPRESS_BOMB'],
  ['too little', packed, { exactBytes: text.length + 1 }, 'DECOMPRESS_FAILED'],
  ['no program', packed, { programPath: '/nowhere' }, 'TOOL_MISSING'],
])('with %s: refused', async (_, bytes, options, code) => {
  const all = { exactBytes: text.length, signal, label: 'a text', ...options }
  await expect(unpackToFile(once(bytes), file, all)).rejects.toMatchObject({ code })
})

it('throws what the source throws', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield await Promise.resolve(packed.subarray(0, 50))
    throw new Error('the blob is gone')
  }
  const all = { exactBytes: text.length, signal, label: 'a text' }
  await expect(unpackToFile(broken(), file, all)).rejects.toThrow('the blob is gone')
})
