import { mkdtemp, readdir, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises'
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

const filledWith =
  (content: string | Buffer) =>
  async (file: FileHandle): Promise<void> =>
    file.writeFile(content)

test.each([
  ['as archives write them', text],
  ['with lines that end in CR LF', text.replaceAll('\n', '\r\n')],
  ['without the last line end', text.trimEnd()],
  ['with many empty lines', `\n\n${text.replaceAll('\n\n', '\n\n\n\n')}\n\n`],
  ['with the fields in another spelling', text.replaceAll('Description-md5: ', 'description-MD5:\t')],
  ['with the checksum behind the text', text.replace(/^(Description-md5.*\n)((?:[^\n]+\n)*)/gm, '$2$1')],
])('finds every description, also after opening again: %s', async (how, given) => {
  const compiled = await compileTranslation(filledWith(given), { folder, key: 'abc' })
  compiled.close()
  const file = TranslationFile.open(folder, 'abc')!
  expect([file.identity, file.count]).toEqual(['abc', 300])
  for (let index = 0; index < 300; index++) {
    const md5 = sum((index * 37) % 300)
    const found = file.find(`p${index}`, md5)?.toString()
    if (how.startsWith('with the ')) expect(found).toContain(`\n Ünder the hood.\n .\n End.\n`)
    else expect(found).toBe(stanza(`p${index}`, md5))
  }
  expect(file.find('p1', sum(300))).toBeUndefined()
  expect(file.find('p2', sum(37))).toBeUndefined()
  file.close()
  expect(await readdir(folder)).toHaveLength(1)
})

test('two packages with one description are told apart', async () => {
  const both = `${stanza('a', sum(1))}\n${stanza('ab', sum(1))}\nPackage: none\nDescription-en: no checksum\n`
  const file = await compileTranslation(filledWith(both), { folder, key: 'k' })
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
  const file = await compileTranslation(filledWith(text), { folder, key: 'k' })
  file.close()
  const path = join(folder, (await readdir(folder))[0]!)
  await writeFile(path, damage(await readFile(path)))
  expect(TranslationFile.open(folder, 'k')).toBeUndefined()
})

test('descriptions are found however they lie in what is read at once', async () => {
  // Two mebibytes are read at once: these end at, before and behind that, one is the longest that may be.
  const lengths = [1_000_000, 1_048_000, 49_000, 100, 700_000, 900_000, 1, 1_000_000, 60_000]
  const stanzas = lengths.map((length, at) => `${stanza(`p${at}`, sum(at)).trimEnd()}${'x'.repeat(length)}\n`)
  const file = await compileTranslation(filledWith(stanzas.join('\n')), { folder, key: 'k' })
  expect(file.count).toBe(lengths.length)
  for (const [at, whole] of stanzas.entries()) expect(file.find(`p${at}`, sum(at))?.toString()).toBe(whole)
  file.close()
})

test('what cannot be filled leaves nothing behind', async () => {
  const filling = compileTranslation(() => Promise.reject(new Error('gone')), { folder, key: 'k' })
  await expect(filling).rejects.toThrow('gone')
  expect(await readdir(folder)).toEqual([])
})

test('a stanza beyond all measure is refused, and nothing is left behind', async () => {
  const bomb = `Package: a\nDescription-en: ${'x'.repeat(2 * 1024 * 1024)}\n`
  await expect(compileTranslation(filledWith(bomb), { folder, key: 'k' })).rejects.toMatchObject({
    code: 'APT_STANZA_MALFORMED',
  })
  expect(await readdir(folder)).toEqual([])
})
