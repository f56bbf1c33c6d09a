import { type Clock, type Digest, isDigest } from '../core/index.ts'
import type { State } from './database.ts'

/** What a room keeps between runs and can make again. */
export interface CacheEntry {
  /** JSON value. */
  value: unknown
  /** Blobs that the value refers to: gc spares them while the entry is there. */
  blobs: Digest[]
}

export interface Cache {
  /** Marks the entry as used, so that prune spares it. */
  get(space: string, key: string): Promise<CacheEntry | undefined>
  /** The blobs must be under a lease of the caller, which may be released afterwards. */
  put(space: string, key: string, entry: { value: unknown; blobs?: readonly Digest[] }): Promise<void>
  /** Entries that are but their keys, all of them or none. */
  putKeys(space: string, keys: readonly string[]): Promise<void>
  /** Keys that begin with `prefix`, whoever put them. No use is marked. */
  keys(space: string, prefix: string): Promise<string[]>
  remove(space: string, key: string): Promise<void>
  /** Removes entries not used for this long; answers how many. */
  prune(space: string, unusedForMs: number): Promise<number>
  /** Every blob that an entry refers to: for gc. */
  roots(): AsyncIterable<Digest>
}

/** A use is written down again only after this long: reading should not cost a durable write. */
const usedPrecisionMs = 3_600_000
/** A statement has room for some 32,000 values. */
const rowsAtOnce = 1000

export function createCache(state: State, clock: Clock): Cache {
  const { db } = state
  const touch = async (space: string, key: string, usedAt: string): Promise<void> => {
    const now = clock.now()
    if (now.getTime() - Date.parse(usedAt) < usedPrecisionMs) return
    const used_at = now.toISOString()
    await db.updateTable('cache_entries').set({ used_at }).where('space', '=', space).where('key', '=', key).execute()
  }
  return {
    async get(space, key) {
      const row = await db
        .selectFrom('cache_entries')
        .selectAll()
        .where('space', '=', space)
        .where('key', '=', key)
        .executeTakeFirst()
      if (row === undefined) return undefined
      await touch(space, key, row.used_at)
      return { value: JSON.parse(row.value) as unknown, blobs: parseDigests(row.blobs) }
    },
    async put(space, key, entry) {
      const columns = {
        value: JSON.stringify(entry.value ?? null),
        blobs: JSON.stringify(entry.blobs ?? []),
        used_at: clock.now().toISOString(),
      }
      await state.relaxedTransaction((transaction) =>
        transaction
          .insertInto('cache_entries')
          .values({ space, key, ...columns })
          .onConflict((conflict) => conflict.columns(['space', 'key']).doUpdateSet(columns))
          .execute(),
      )
    },
    putKeys: (space, keys) => putKeys(state, { space, used_at: clock.now().toISOString() }, keys),
    keys: (space, prefix) => keysOf(state, space, prefix),
    async remove(space, key) {
      await db.deleteFrom('cache_entries').where('space', '=', space).where('key', '=', key).execute()
    },
    async prune(space, unusedForMs) {
      const before = new Date(clock.now().getTime() - unusedForMs).toISOString()
      const result = await db
        .deleteFrom('cache_entries')
        .where('space', '=', space)
        .where('used_at', '<', before)
        .executeTakeFirst()
      return Number(result.numDeletedRows)
    },
    async *roots() {
      const rows = await db.selectFrom('cache_entries').select('blobs').where('blobs', '<>', '[]').execute()
      for (const row of rows) yield* parseDigests(row.blobs)
    },
  }
}

async function putKeys(
  state: State,
  columns: { space: string; used_at: string },
  keys: readonly string[],
): Promise<void> {
  const { used_at } = columns
  await state.relaxedTransaction(async (transaction) => {
    for (let start = 0; start < keys.length; start += rowsAtOnce) {
      const some = keys.slice(start, start + rowsAtOnce)
      await transaction
        .insertInto('cache_entries')
        .values(some.map((key) => ({ ...columns, key, value: 'null', blobs: '[]' })))
        .onConflict((conflict) => conflict.columns(['space', 'key']).doUpdateSet({ used_at }))
        .execute()
    }
  })
}

async function keysOf({ db }: State, space: string, prefix: string): Promise<string[]> {
  const rows = await db
    .selectFrom('cache_entries')
    .select('key')
    .where('space', '=', space)
    .where('key', '>=', prefix)
    .where('key', '<', `${prefix}\uffff`)
    .execute()
  return rows.map(({ key }) => key)
}

function parseDigests(json: string): Digest[] {
  return (JSON.parse(json) as string[]).filter(isDigest)
}
