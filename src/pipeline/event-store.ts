import type { Clock } from '../core/index.ts'
import type { State } from '../state/index.ts'

/** What a forge delivered, as it came. */
export interface Delivery {
  forge: string
  repository: string
  /** The forge's own number of the delivery: the same again is the same delivery. */
  deliveryId: string
  event: string
  body: string
}

export interface StoredEvent extends Delivery {
  id: number
  receivedAt: Date
}

/** Durable intake: a delivery is kept once, however often it comes, and settled once. */
export interface EventStore {
  /** Durable when it returns. */
  accept(delivery: Delivery): Promise<{ status: 'accepted' | 'duplicate'; id: number }>
  /** Oldest first. */
  waiting(): Promise<StoredEvent[]>
  settle(id: number, outcome: { state: 'done'; runId: number } | { state: 'ignored'; reason: string }): Promise<void>
}

export function createEventStore(state: State, clock: Clock): EventStore {
  return {
    accept: ({ forge, repository, deliveryId, event, body }) =>
      state.transaction(async (db) => {
        const known = await db
          .selectFrom('events')
          .select('id')
          .where('forge', '=', forge)
          .where('repository', '=', repository)
          .where('delivery_id', '=', deliveryId)
          .executeTakeFirst()
        if (known !== undefined) return { status: 'duplicate', id: known.id }
        const row = { forge, repository, delivery_id: deliveryId, name: event, body }
        const received_at = clock.now().toISOString()
        const { id } = await db
          .insertInto('events')
          .values({ ...row, received_at, state: 'waiting', reason: null, run_id: null })
          .returning('id')
          .executeTakeFirstOrThrow()
        return { status: 'accepted', id }
      }),
    async waiting() {
      const rows = await state.db
        .selectFrom('events')
        .selectAll()
        .where('state', '=', 'waiting')
        .orderBy('id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        forge: row.forge,
        repository: row.repository,
        deliveryId: row.delivery_id,
        event: row.name,
        body: row.body,
        receivedAt: new Date(row.received_at),
      }))
    },
    async settle(id, outcome) {
      const values =
        outcome.state === 'done'
          ? { state: 'done' as const, run_id: outcome.runId, reason: null }
          : { state: 'ignored' as const, run_id: null, reason: outcome.reason }
      await state.transaction((db) => db.updateTable('events').set(values).where('id', '=', id).execute())
    },
  }
}
