import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compileTranslation, TranslationFile } from './translation-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-translation-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const sum = (index: number): string => index.toString(16).padStart(32, '0')
const stanza = (name: string, md5: string): string =>
  `Package: ${name}\nDescription-md5: ${md5}\nDescription-en: about ${name}\n Ünder the hood.\n .\n End.\n`
const text = Array.from({ length: 300 }, (_, index) => stanza(`p${index}`, sum((index * 37) % 300))).join('\n')

async function* inChunks(content: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content)
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

test.each([7, 1000, 1_000_000])(
  'finds every description, read in chunks of %d bytes, also after opening again',
  async (size) => {
    const compiled = await compileTranslation(inChunks(text, size), { folder, key: 'abc' })
    compiled.close()
    const file = TranslationFile.open(folder, 'abc')!
    expect([file.identity, file.count]).toEqual(['abc', 300])
    for (let index = 0; index < 300; index++) {
      const md5 = sum((index * 37) % 300)
      expect(file.find(`p${index}`, md5)?.toString()).toBe(stanza(`p${index}`, md5))
    }
    expect(file.find('p1', sum(300))).toBeUndefined()
    expect(file.find('p2', sum(37))).toBeUndefined()
    file.close()
    expect(await readdir(folder)).toHaveLength(1)
  },
)

test('two packages with one description are told apart', async () => {
  const both = `${stanza('a', sum(1))}\n${stanza('ab', sum(1))}\nPackage: none\nDescription-en: no checksum\n`
  const file = await compileTranslation(inChunks(both, 50), { folder, key: 'k' })
  expect(file.find('ab', sum(1))?.toString()).toBe(stanza('ab', sum(1)))
  expect(file.find('a', sum(1))?.toString()).toBe(stanza('a', sum(1)))
  expect(file.count).toBe(2)
  file.close()
})

test.each([
  ['cut short', (bytes: Buffer) => bytes.subarray(0, -5)],
  ['empty', () => Buffer.alloc(0)],
  [
    'with another table',
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -50), Buffer.alloc(6), bytes.subarray(-44)]),
  ],
  ['of another kind', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -8), Buffer.from('OTHERS01')])],
])('a file %s is no file', async (_, damage) => {
  const file = await compileTranslation(inChunks(text, 4096), { folder, key: 'k' })
  file.close()
  const path = join(folder, (await readdir(folder))[0]!)
  await writeFile(path, damage(await readFile(path)))
  expect(TranslationFile.open(folder, 'k')).toBeUndefined()
})

test('a stanza beyond all measure is refused, and nothing is left behind', async () => {
  const bomb = `Package: a\nDescription-en: ${'x'.repeat(2 * 1024 * 1024)}\n`
  await expect(compileTranslation(inChunks(bomb, 65_536), { folder, key: 'k' })).rejects.toMatchObject({
    code: 'APT_STANZA_MALFORMED',
  })
  expect(await readdir(folder)).toEqual([])
})
