import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../core/index.ts'
import { openDatabase, type State } from './database.ts'
import { checkIntegrity } from './integrity.ts'
import { setSetting } from './settings.ts'

let folder: string
let state: State
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-integrity-'))
  state = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
  for (let index = 0; index < 200; index++) await setSetting(state, `key ${index}`, 'x'.repeat(3000))
})
afterEach(async () => {
  await state.close()
  await rm(folder, { recursive: true, force: true })
})

it('is told when the file is no database at all', async () => {
  await state.close()
  await writeFile(join(folder, 'larder.db'), 'x'.repeat(8192))
  await expect(openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })).rejects.toMatchObject({
    code: 'DATA_DAMAGED',
  })
})

it.each([false, true])('finds a whole database whole (thorough: %j)', async (thorough) => {
  expect(await checkIntegrity(state, { thorough })).toEqual([])
})

it.each([false, true])('finds pages that were overwritten (thorough: %j)', async (thorough) => {
  await state.close()
  const path = join(folder, 'larder.db')
  const { size } = await stat(path)
  const file = await open(path, 'r+')
  for (let offset = Math.floor(size / 8192) * 4096; offset < size - 4096; offset += 4096)
    await file.write(Buffer.alloc(2048, 0xa5), 0, 2048, offset)
  await file.close()
  state = await openDatabase({ path, clock: systemClock })
  expect(await checkIntegrity(state, { thorough })).not.toEqual([])
})
