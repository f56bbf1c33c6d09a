import { sql } from 'kysely'
import type { Clock } from '../core/index.ts'
import type { State } from '../state/index.ts'
import { DeliveryIntake } from './delivery-intake.ts'

/** What a forge delivered, as it came. */
export interface Delivery {
  forge: string
  repository: string
  /** The forge's own number of the delivery: the same again is the same delivery. */
  deliveryId: string
  event: string
  body: string
}

/** A delivery that was kept; its body is asked for by number. */
export interface StoredEvent extends Omit<Delivery, 'body'> {
  id: number
  receivedAt: Date
}

/** What became of an event. */
export type Settlement = { id: number } & ({ state: 'done'; runId: number } | { state: 'ignored'; reason: string })

/** A delivery and what became of it, without its body. */
export interface EventSummary {
  id: number
  forge: string
  repository: string
  deliveryId: string
  event: string
  receivedAt: Date
  state: 'waiting' | 'done' | 'ignored'
  /** Why it was ignored. */
  reason: string | undefined
  runId: number | undefined
}

/** Durable intake: a delivery is kept once, however often it comes, and settled once. */
export interface EventStore {
  /** Durable when it returns. Those that come while others are written are written together: one wait for the disk. */
  accept(delivery: Delivery): Promise<{ status: 'accepted' | 'duplicate'; id: number }>
  /** Oldest first. Default limit: 500. */
  waiting(options?: { limit?: number }): Promise<StoredEvent[]>
  /** '' when it was forgotten. */
  body(id: number): Promise<string>
  /** All of them, or none. */
  settle(settlements: readonly Settlement[]): Promise<void>
  /** Newest first. */
  list(options: { limit: number; before?: number }): Promise<EventSummary[]>
  /**
   * Of what was settled, forgets bodies after a week; and after 90 days that it came. Until then it stays a duplicate:
   * forges send again what is a few days old at most.
   */
  tidy(): Promise<void>
}

export function createEventStore(state: State, clock: Clock): EventStore {
  const intake = new DeliveryIntake(state, clock)
  return {
    accept: (delivery) => intake.accept(delivery),
    async waiting({ limit = 500 } = {}) {
      const rows = await state.db
        .selectFrom('events')
        .select(['id', 'forge', 'repository', 'delivery_id', 'name', 'received_at'])
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
        receivedAt: new Date(row.received_at),
      }))
    },
    async body(id) {
      const query = state.db.selectFrom('event_bodies').select('body').where('event_id', '=', id)
      return (await query.executeTakeFirst())?.body ?? ''
    },
    settle: (settlements) => settleEvents(state, settlements),
    async list({ limit, before }) {
      let query = state.db.selectFrom('events').selectAll().orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      return (await query.execute()).map((row) => ({
        id: row.id,
        forge: row.forge,
        repository: row.repository,
        deliveryId: row.delivery_id,
        event: row.name,
        receivedAt: new Date(row.received_at),
        state: row.state,
        reason: row.reason ?? undefined,
        runId: row.run_id ?? undefined,
      }))
    },
    async tidy() {
      const ago = (days: number): string => new Date(clock.now().getTime() - days * dayMs).toISOString()
      await state.relaxedTransaction(async (db) => {
        const settled = db.selectFrom('events').select('id').where('state', '!=', 'waiting')
        const bodies = settled.where('received_at', '<', ago(keepBodiesDays))
        await db.deleteFrom('event_bodies').where('event_id', 'in', bodies).execute()
        const old = db.deleteFrom('events').where('state', '!=', 'waiting')
        await old.where('received_at', '<', ago(keepEventsDays)).execute()
      })
    },
  }
}

/** Most of a flood say the same: one statement for those, and one kind of statement for any number of them. */
async function settleEvents(state: State, settlements: readonly Settlement[]): Promise<void> {
  if (settlements.length === 0) return
  const outcomeOf = (one: Settlement): string => (one.state === 'done' ? `run ${one.runId}` : `ignored: ${one.reason}`)
  const alike = Map.groupBy(settlements, outcomeOf)
  // One that a power cut takes back is settled again, to the same end.
  await state.relaxedTransaction(async (db) => {
    for (const same of alike.values()) {
      const [one] = same
      if (one === undefined) continue
      const values =
        one.state === 'done'
          ? { state: one.state, run_id: one.runId, reason: null }
          : { state: one.state, run_id: null, reason: one.reason.slice(0, 1000) }
      const ids = sql<number>`(select value from json_each(${JSON.stringify(same.map(({ id }) => id))}))`
      await db.updateTable('events').set(values).where('id', 'in', ids).execute()
    }
  })
}

const dayMs = 24 * 3600_000
const keepBodiesDays = 7
const keepEventsDays = 90
