import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../core/index.ts'
import { Checkpoints } from './checkpoints.ts'
import { openDatabase, type State } from './database.ts'
import { getSetting } from './settings.ts'

let folder: string
let path: string
let state: State
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-checkpoints-'))
  path = join(folder, 'larder.db')
  state = await openDatabase({ path, clock: systemClock })
})
afterEach(async () => {
  await state.close()
  await rm(folder, { recursive: true, force: true })
})

const write = (key: string, sizeBytes: number) =>
  state.relaxedTransaction((db) =>
    db
      .insertInto('settings')
      .values({ key, value: 'x'.repeat(sizeBytes) })
      .execute(),
  )
const automatic = async () =>
  (await sql<{ wal_autocheckpoint: number }>`PRAGMA wal_autocheckpoint`.execute(state.db)).rows[0]?.wal_autocheckpoint

/** Until the database has grown by what was written; 20 s at most. */
async function broughtIn(sizeBytes: number): Promise<boolean> {
  for (let looks = 0; looks < 200; looks++) {
    if ((await stat(path)).size >= sizeBytes) return true
    await systemClock.sleep(100)
  }
  return false
}

test('what is committed is brought in, though nobody who commits does it', async () => {
  expect(await automatic()).toBe(1000)
  state.checkpointApart()
  state.checkpointApart()
  expect(await automatic()).toBe(0)
  await write('a', 8_000_000)
  expect(await broughtIn(8_000_000)).toBe(true)
  expect((await getSetting(state, 'a'))?.length).toBe(8_000_000)
})

test('a journal that has grown long is used again from its beginning', async () => {
  state.checkpointApart()
  await write('a', 20_000_000)
  expect(await broughtIn(20_000_000)).toBe(true)
  await write('b', 20_000_000)
  expect(await broughtIn(40_000_000)).toBe(true)
  expect((await stat(`${path}-wal`)).size).toBeLessThan(30_000_000)
})

test('when the thread ends by itself, that is told, and closing waits for nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const checkpoints = new Checkpoints({
    path: join(folder, 'absent', 'larder.db'),
    alone: (work) => work(),
    onEnd: () => resolve(undefined),
  })
  await promise
  checkpoints.committed()
  await checkpoints.close()
})
