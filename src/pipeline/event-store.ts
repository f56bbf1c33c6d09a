import type { Selectable } from 'kysely'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import { openIntake, type DeliveryIntake, type IntakeOptions } from './delivery-intake.ts'
import { storeOutcome, type KeptDelivery } from './delivery-rows.ts'

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
  /** '' when it was settled, and so is forgotten. */
  body(id: number): Promise<string>
  /** Some at a time, each whole: what is delivered meanwhile is answered in between. */
  settle(settlements: readonly Settlement[]): Promise<void>
  /** Newest first. */
  list(options: { limit: number; before?: number }): Promise<EventSummary[]>
  /**
   * Of what was settled, forgets after 90 days that it came. Until then it stays a duplicate: forges send again what is a
   * few days old at most.
   */
  tidy(): Promise<void>
  /** Before the database is closed. */
  close(): Promise<void>
}

export interface EventStoreOptions {
  state: State
  clock: Clock
  /** Where deliveries are written first. */
  journal: IntakeOptions['journal']
}

/** Takes up what the last life has left. DISK_FULL, DATA_DAMAGED. */
export async function openEventStore({ state, clock, journal }: EventStoreOptions): Promise<EventStore> {
  const intake = await openIntake({ state, clock, journal, keepDays: keepEventsDays })
  return {
    accept: (delivery) => intake.accept(delivery),
    async waiting({ limit = 500 } = {}) {
      const kept = intake.kept()
      const rows = await state.db
        .selectFrom('events')
        .select(['id', 'forge', 'repository', 'delivery_id', 'name', 'received_at'])
        .where('state', '=', 'waiting')
        .orderBy('id')
        .limit(limit)
        .execute()
      // Some may have come into the database meanwhile.
      const known = new Set(rows.map(({ id }) => id))
      const others = kept.filter(({ id }) => !known.has(id)).slice(0, limit - rows.length)
      return [...rows.map(keptOf), ...others].map((one) => ({ ...one, receivedAt: new Date(one.receivedAt) }))
    },
    async body(id) {
      const kept = await intake.bodyOf(id)
      if (kept !== undefined) return kept
      const query = state.db.selectFrom('event_bodies').select('body').where('event_id', '=', id)
      return (await query.executeTakeFirst())?.body ?? ''
    },
    settle: (settlements) => settleEvents(state, intake, settlements),
    async list({ limit, before = Infinity }) {
      const kept = intake.kept().filter(({ id }) => id < before)
      let query = state.db.selectFrom('events').selectAll().orderBy('id', 'desc').limit(limit)
      if (before !== Infinity) query = query.where('id', '<', before)
      const rows = await query.execute()
      const known = new Set(rows.map(({ id }) => id))
      return [...rows.map(summaryOf), ...kept.filter(({ id }) => !known.has(id)).map(summaryOfKept)]
        .sort((a, b) => b.id - a.id)
        .slice(0, limit)
    },
    async tidy() {
      const oldest = new Date(clock.now().getTime() - keepEventsDays * dayMs).toISOString()
      await state.relaxedTransaction(async (db) => {
        await db.deleteFrom('events').where('state', '!=', 'waiting').where('received_at', '<', oldest).execute()
      })
    },
    close: () => intake.close(),
  }
}

/** So many take a fraction of a millisecond. */
const settledTogether = 25

async function settleEvents(state: State, intake: DeliveryIntake, settlements: readonly Settlement[]): Promise<void> {
  for (let at = 0; at < settlements.length; at += settledTogether) {
    if (at > 0) await setImmediate()
    await settleTogether(state, intake, settlements.slice(at, at + settledTogether))
  }
}

/** Most of a flood say the same: one statement for those, and one kind of statement for any number of them. */
async function settleTogether(state: State, intake: DeliveryIntake, settlements: readonly Settlement[]): Promise<void> {
  const outcomeOf = (one: Settlement): string => (one.state === 'done' ? `run ${one.runId}` : `ignored: ${one.reason}`)
  const alike = Map.groupBy(settlements, outcomeOf)
  // One that a power cut takes back is settled again, to the same end.
  await state.relaxedTransaction(async (db) => {
    for (const same of alike.values()) {
      const [one] = same
      if (one === undefined) continue
      const ids = same.map(({ id }) => id)
      await storeOutcome(db, one, { ids, kept: intake.keptOf(ids) })
    }
  })
  intake.stored(settlements.map(({ id }) => id))
}

type EventRow = Selectable<Tables['events']>

function keptOf(
  row: Pick<EventRow, 'id' | 'forge' | 'repository' | 'delivery_id' | 'name' | 'received_at'>,
): KeptDelivery {
  const { id, forge, repository, delivery_id: deliveryId, name: event, received_at: receivedAt } = row
  return { id, forge, repository, deliveryId, event, receivedAt }
}

function summaryOf(row: EventRow): EventSummary {
  const { state, reason, run_id: runId } = row
  return { ...summaryOfKept(keptOf(row)), state, reason: reason ?? undefined, runId: runId ?? undefined }
}

function summaryOfKept({ id, forge, repository, deliveryId, event, receivedAt }: KeptDelivery): EventSummary {
  const nothingYet = { state: 'waiting', reason: undefined, runId: undefined } as const
  return { id, forge, repository, deliveryId, event, receivedAt: new Date(receivedAt), ...nothingYet }
}

const dayMs = 24 * 3600_000
const keepEventsDays = 90
