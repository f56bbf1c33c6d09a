import { CompiledQuery, type Kysely } from 'kysely'
import type { State, Tables } from '../state/index.ts'
import type { JournalRecord } from './delivery-batch.ts'

/** A delivery that is safe on the disk. */
export type KeptDelivery = Omit<JournalRecord, 'body'>

export interface KnownEvent {
  id: number
  state: 'waiting' | 'done' | 'ignored'
}

/** Those that are in the database already, in the order of the keys. */
export async function findKnown(
  db: Kysely<Tables>,
  keys: readonly Pick<KeptDelivery, 'forge' | 'repository' | 'deliveryId'>[],
): Promise<(KnownEvent | undefined)[]> {
  const list = JSON.stringify(keys.map(({ forge, repository, deliveryId }) => [forge, repository, deliveryId]))
  const { rows } = await db.executeQuery<KnownEvent & { key: number }>(CompiledQuery.raw(knownSql, [list]))
  const found: (KnownEvent | undefined)[] = keys.map(() => undefined)
  for (const { key, id, state } of rows) found[key] = { id, state }
  return found
}

/** The number of one that the database has: asked for each delivery before it is answered. */
export function findStored(
  state: Pick<State, 'firstCommitted'>,
  { forge, repository, deliveryId }: Pick<KeptDelivery, 'forge' | 'repository' | 'deliveryId'>,
): number | undefined {
  const row = state.firstCommitted(storedSql, [forge, repository, deliveryId])
  return row && Number(row['id'])
}

const storedSql = 'select id from events where forge = ? and repository = ? and delivery_id = ?'

/** As text: building it each time took longer than SQLite takes to carry it out. */
const knownSql = `
  select asked.key, events.id, events.state from json_each(?) as asked
  cross join events on events.forge = asked.value ->> 0
    and events.repository = asked.value ->> 1 and events.delivery_id = asked.value ->> 2`

export async function lastEventId(db: Kysely<Tables>): Promise<number> {
  return (await db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst())?.id ?? 0
}

/** As waiting, with their bodies. Those that are there, or were settled meanwhile, are left as they are. */
export async function storeWaiting(db: Kysely<Tables>, records: readonly JournalRecord[]): Promise<void> {
  for (const { body, ...kept } of records) {
    await db
      .insertInto('events')
      .values({ ...rowOf(kept), state: 'waiting' })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await db
      .insertInto('event_bodies')
      .columns(['event_id', 'body'])
      .expression(
        db
          .selectFrom('events')
          .select((row) => [row.ref('events.id').as('event_id'), row.val(body).as('body')])
          .where('id', '=', kept.id)
          .where('delivery_id', '=', kept.deliveryId)
          .where('state', '=', 'waiting'),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

function rowOf({ id, forge, repository, deliveryId, event, receivedAt }: KeptDelivery) {
  return { id, forge, repository, delivery_id: deliveryId, name: event, received_at: receivedAt }
}

export type Outcome = { state: 'done'; runId: number } | { state: 'ignored'; reason: string }

/** What became of some, which is the same. Those that are in the journal alone come into the database with it. */
export async function storeOutcome(
  db: Kysely<Tables>,
  outcome: Outcome,
  { ids, kept }: { ids: readonly number[]; kept: readonly KeptDelivery[] },
): Promise<void> {
  const values =
    outcome.state === 'done'
      ? [outcome.state, null, outcome.runId]
      : [outcome.state, outcome.reason.slice(0, 1000), null]
  const known = JSON.stringify(ids)
  await db.executeQuery(CompiledQuery.raw(settleSql, [...values, known]))
  await db.executeQuery(CompiledQuery.raw(forgetSql, [known]))
  if (kept.length === 0) return
  const rows = JSON.stringify(kept.map((one) => Object.values(rowOf(one))))
  await db.executeQuery(CompiledQuery.raw(insertSql, [...values, rows]))
}

const settleSql = `
  update events set state = ?, reason = ?, run_id = ? where id in (select value from json_each(?))`
/** Nobody asks for them any more. */
const forgetSql = 'delete from event_bodies where event_id in (select value from json_each(?))'
/** Numbered, since the row comes last; \`true\` keeps \`on conflict\` from being read as a part of the join. */
const insertSql = `
  insert into events (id, forge, repository, delivery_id, name, received_at, state, reason, run_id)
  select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?1, ?2, ?3
  from json_each(?4) where true on conflict do nothing`
