import type { State } from './database.ts'

/** Value of a setting, or undefined when it was never set. */
export async function getSetting(state: State, key: string): Promise<string | undefined> {
  const row = await state.db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
  return row?.value
}

/** `state`: also `{ db: transaction }`, to be committed with other things. */
export async function setSetting(state: Pick<State, 'db'>, key: string, value: string): Promise<void> {
  await state.db
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}

export async function removeSetting(state: State, key: string): Promise<void> {
  await state.db.deleteFrom('settings').where('key', '=', key).execute()
}
