import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeFileDurably } from './write-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-write-'))
})
afterEach(() => rm(folder, { recursive: true }))

const newFile = (bytes: Uint8Array, path = 'file') => ({
  bytes,
  temporary: join(folder, 'temporary'),
  path: join(folder, path),
  mode: 0o444,
})

it.each([0, 1, 3_000_000])('writes %i bytes under their name only', async (sizeBytes) => {
  const bytes = Buffer.alloc(sizeBytes, 'x')
  await writeFileDurably(newFile(bytes))
  expect((await readFile(join(folder, 'file'))).equals(bytes)).toBe(true)
  expect((await stat(join(folder, 'file'))).mode & 0o777).toBe(0o444)
  expect(await readdir(folder)).toEqual(['file'])
})

it('replaces what is there', async () => {
  await writeFile(join(folder, 'file'), 'damaged')
  await writeFileDurably(newFile(Buffer.from('whole')))
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('whole')
})

it('leaves nothing when it fails', async () => {
  await expect(writeFileDurably(newFile(Buffer.from('x'), 'none/file'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readdir(folder)).toEqual([])
})
