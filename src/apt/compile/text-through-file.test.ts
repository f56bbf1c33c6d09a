import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { compress, type Compression } from '../../../test/fixtures/upstream/index.ts'
import { chunksOf } from '../../../test/fixtures/universe-of.ts'
import type { PackedForm, PackedText } from './packed-text.ts'
import { textThroughFile } from './text-through-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-through-'))
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

/** Length and digest: parts are only valid for a moment. */
async function seen(packed: PackedText, signal = new AbortController().signal): Promise<[number, string]> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const part of textThroughFile(packed, { folder, signal })) {
    hash.update(part)
    sizeBytes += part.length
  }
  return [sizeBytes, hash.digest('hex')]
}

const whole: [number, string] = [text.length, createHash('sha256').update(text).digest('hex')]

it.each<Compression>(['plain', 'gz', 'xz', 'zst'])('gives the whole text: %s', async (format) => {
  expect(await seen(packedText(compress(text, format), { format }))).toEqual(whole)
  expect(await readdir(folder)).toEqual([])
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
  expect(await readdir(folder)).toEqual([])
})

it('stops when it is told to', async () => {
  const stopping = new AbortController()
  stopping.abort()
  await expect(seen(packedText(compress(text, 'xz')), stopping.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
})
