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

/** What became of an event. */
export type Settlement = { id: number } & ({ state: 'done'; runId: number } | { state: 'ignored'; reason: string })

/** Durable intake: a delivery is kept once, however often it comes, and settled once. */
export interface EventStore {
  /** Durable when it returns. */
  accept(delivery: Delivery): Promise<{ status: 'accepted' | 'duplicate'; id: number }>
  /** Oldest first. Default limit: 500. */
  waiting(options?: { limit?: number }): Promise<StoredEvent[]>
  /** All of them, or none. */
  settle(settlements: readonly Settlement[]): Promise<void>
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
    async waiting({ limit = 500 } = {}) {
      const rows = await state.db
        .selectFrom('events')
        .selectAll()
        .where('state', '=', 'waiting')
        .orderBy('id')
        .limit(limit)
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
    async settle(settlements) {
      if (settlements.length === 0) return
      await state.transaction(async (db) => {
        for (const { id, ...outcome } of settlements) {
          const values =
            outcome.state === 'done'
              ? { state: outcome.state, run_id: outcome.runId, reason: null }
              : { state: outcome.state, run_id: null, reason: outcome.reason.slice(0, 1000) }
          await db.updateTable('events').set(values).where('id', '=', id).execute()
        }
      })
    },
  }
}
