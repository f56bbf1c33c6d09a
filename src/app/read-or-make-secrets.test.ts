import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readOrMakeSecrets } from './data-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-secrets-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('who makes a secret at once with others has the same as they', async () => {
  const path = join(folder, 'admin-token')
  const all = await Promise.all(Array.from({ length: 8 }, () => readOrMakeSecrets(path)))
  expect(new Set(all.flat())).toEqual(new Set([(await readFile(path, 'utf8')).trim()]))
  expect(await readOrMakeSecrets(path)).toEqual(all[0])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

it('a file with nothing in it is replaced, one with several lines is read', async () => {
  const path = join(folder, 'hooks')
  await writeFile(path, '\n', { mode: 0o644 })
  const made = await readOrMakeSecrets(path)
  expect([made.length, (await readFile(path, 'utf8')).trim()]).toEqual([1, made[0]])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await writeFile(path, ' one \n\ntwo\n')
  expect(await readOrMakeSecrets(path)).toEqual(['one', 'two'])
})
