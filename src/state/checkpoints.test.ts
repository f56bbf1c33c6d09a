import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
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

test('a journal that is long and could not be brought in is brought in while nobody uses the database', async () => {
  const reader = new DatabaseSync(path)
  reader.exec('BEGIN; SELECT count(*) FROM settings')
  await write('a', 70_000_000)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const checkpoints = new Checkpoints({
    path,
    alone: async (work) => {
      reader.exec('COMMIT')
      await work()
      resolve(undefined)
    },
    onEnd: () => undefined,
  })
  const journal = async () =>
    (await sql<{ log: number; checkpointed: number }>`PRAGMA wal_checkpoint(NOOP)`.execute(state.db)).rows[0]
  checkpoints.committed()
  await promise
  await checkpoints.close()
  reader.close()
  const found = await journal()
  expect(found?.checkpointed).toBe(found?.log)
  expect((await stat(path)).size).toBeGreaterThan(70_000_000)
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
