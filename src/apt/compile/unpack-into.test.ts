import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { compress, type Compression } from '../../../test/fixtures/upstream/index.ts'
import { chunksOf } from '../../../test/fixtures/universe-of.ts'
import type { PackedForm, PackedText } from './packed-text.ts'
import { unpackInto } from './unpack-into.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-into-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const text = Buffer.from(Array.from({ length: 300_000 }, (_, line) => `line ${line}\n`).join(''))

function packedText(bytes: Buffer, form: Partial<PackedForm> = {}): PackedText {
  const all = {
    format: 'xz',
    maxBytes: text.length,
    exactBytes: text.length,
    label: 'Translation-en',
    ...form,
  } as const
  return { read: () => Promise.resolve(chunksOf(bytes)), form: all }
}

async function seen(packed: PackedText, signal = new AbortController().signal): Promise<Buffer> {
  await using file = await open(join(folder, 'text'), 'wx+')
  await unpackInto(packed, file, signal)
  return await readFile(join(folder, 'text'))
}

it.each<Compression>(['plain', 'gz', 'xz', 'zst'])('writes the whole text: %s', async (format) => {
  expect((await seen(packedText(compress(text, format), { format }))).equals(text)).toBe(true)
})

it('writes a text whose size nobody has signed', async () => {
  const { read } = packedText(compress(text, 'xz'))
  const form = { format: 'xz', maxBytes: text.length, label: 'Translation-en' } as const
  expect((await seen({ read, form })).equals(text)).toBe(true)
})

it.each<[string, Buffer, Partial<PackedForm>, string]>([
  ['cut short', compress(text, 'xz').subarray(0, 1000), {}, 'DECOMPRESS_FAILED'],
  ['of more than was signed', compress(text, 'xz'), { exactBytes: 1000, maxBytes: 1000 }, 'DECOMPRESS_BOMB'],
  [
    'of less than was signed',
    compress(text, 'xz'),
    { exactBytes: text.length + 1, maxBytes: 1e9 },
    'DECOMPRESS_FAILED',
  ],
])('refuses what is %s', async (_, bytes, form, code) => {
  await expect(seen(packedText(bytes, form))).rejects.toMatchObject({ code })
})

it('stops when it is told to', async () => {
  const stopping = new AbortController()
  stopping.abort()
  await expect(seen(packedText(compress(text, 'xz')), stopping.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
})
