import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../core/index.ts'
import { openDatabase, type State } from './database.ts'

const sql = 'select value from settings where key = ?'
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-state-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function put(state: State, value: string, meanwhile: () => void = () => undefined): Promise<void> {
  await state.relaxedTransaction(async (db) => {
    await db.replaceInto('settings').values({ key: 'one', value }).execute()
    meanwhile()
  })
}

test('what is committed is there at once, whichever transaction wrote it; what is not committed is not', async () => {
  const state = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
  expect(state.firstCommitted(sql, ['one'])).toBeUndefined()
  await put(state, '1')
  expect(state.firstCommitted(sql, ['one'])).toEqual({ value: '1' })
  await put(state, '2', () => expect(state.firstCommitted(sql, ['one'])).toEqual({ value: '1' }))
  expect(state.firstCommitted(sql, ['one'])).toEqual({ value: '2' })
  await state.transaction(() => Promise.reject(new Error('no'))).catch(() => undefined)
  state.checkpointApart()
  await put(state, '3')
  expect(state.firstCommitted(sql, ['one'])).toEqual({ value: '3' })
  await state.close()
  const again = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
  expect(again.firstCommitted(sql, ['one'])).toEqual({ value: '3' })
  await again.close()
})

test('a database in memory is read by its one connection', async () => {
  const state = await openDatabase({ path: ':memory:', clock: systemClock })
  await put(state, '1')
  expect(state.firstCommitted(sql, ['one'])).toEqual({ value: '1' })
  await state.close()
})

test('nothing can be written that way', async () => {
  const state = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
  expect(() => state.firstCommitted('delete from settings returning value', [])).toThrow(/readonly/)
  await state.close()
})
