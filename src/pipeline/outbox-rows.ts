import type { Selectable, Transaction, Updateable } from 'kysely'
import type { State, Tables } from '../state/index.ts'

export type OutboxKind = Tables['outbox']['kind']

/** What is owed to somebody else. */
export interface OutboxMessage {
  id: number
  kind: OutboxKind
  /** `forge`, or the address of a listener. */
  recipient: string
  /** What it is about: the newer of a topic replaces one that waits. */
  topic: string
  /** JSON value. */
  body: unknown
  state: Tables['outbox']['state']
  attempts: number
  notBefore: Date
  createdAt: Date
  /** Why the last attempt failed, or why it was given up. */
  reason: string | undefined
}

export type NewMessage = Pick<OutboxMessage, 'kind' | 'recipient' | 'topic' | 'body'>

/** The table `outbox`. */
export interface OutboxRows {
  /** Durable when it returns. `notBefore`: default is now. */
  add(message: NewMessage, notBefore?: Date): Promise<void>
  /** What waits and may be sent now, oldest first, to others than these. */
  due(now: Date, options: { limit: number; except: readonly string[] }): Promise<OutboxMessage[]>
  /** When the next of those is due that are not due yet. */
  nextDue(now: Date): Promise<Date | undefined>
  /** What waits and is older than that, oldest first; at most 100. */
  waitingSince(before: Date): Promise<OutboxMessage[]>
  /** When the newest of a topic was added, whatever became of it. */
  newestOf(topic: string): Promise<Date | undefined>
  /** None of these changes what is settled or was replaced meanwhile. */
  settle(id: number, state: 'done' | 'abandoned', reason?: string): Promise<void>
  postpone(id: number, until: { notBefore: Date; reason: string }): Promise<void>
  /** What failed before is due at once: what is for one recipient, or all. */
  hasten(recipient?: string): Promise<void>
  /** Nothing that is for a recipient is due before then. */
  hold(recipient: string, until: Date): Promise<void>
  /** Deletes what was settled before then. Answers how many. */
  prune(before: Date): Promise<number>
}

/** Reports are long, and nobody asks for one that was taken. */
const forgotten = 'null'

export function outboxRows(state: State, now: () => Date): OutboxRows {
  return { ...questions(state), ...times(state, now), ...changes(state, now) }
}

type Questions = Pick<OutboxRows, 'due' | 'nextDue' | 'waitingSince' | 'newestOf'>

function changes(state: State, now: () => Date): Omit<OutboxRows, keyof Questions | keyof Times> {
  const stamp = (): string => now().toISOString()
  const change = (id: number, values: Updateable<Tables['outbox']>): Promise<unknown> =>
    state.transaction((db) =>
      db.updateTable('outbox').set(values).where('id', '=', id).where('state', '=', 'waiting').execute(),
    )
  return {
    add: ({ kind, recipient, topic, body }, notBefore) =>
      state.transaction(async (db) => {
        const at = stamp()
        await replaceWaiting(db, topic, at)
        const about = { kind, recipient, topic, body: JSON.stringify(body) }
        const times = { not_before: notBefore?.toISOString() ?? at, created_at: at, settled_at: null }
        await db
          .insertInto('outbox')
          .values({ ...about, ...times, state: 'waiting', attempts: 0, reason: null })
          .execute()
      }),
    async settle(id, outcome, reason) {
      const values = { state: outcome, settled_at: stamp(), reason: reason?.slice(0, 1000) ?? null }
      await change(id, outcome === 'done' ? { ...values, body: forgotten } : values)
    },
    async postpone(id, { notBefore, reason }) {
      await state.relaxedTransaction((db) =>
        db
          .updateTable('outbox')
          .set((row) => ({
            attempts: row('attempts', '+', 1),
            not_before: notBefore.toISOString(),
            reason: reason.slice(0, 1000),
          }))
          .where('id', '=', id)
          .where('state', '=', 'waiting')
          .execute(),
      )
    },
    prune: (before) =>
      state.relaxedTransaction(async (db) => {
        const [result] = await db
          .deleteFrom('outbox')
          .where('state', '!=', 'waiting')
          .where('settled_at', '<', before.toISOString())
          .execute()
        return Number(result?.numDeletedRows ?? 0n)
      }),
  }
}

type Times = Pick<OutboxRows, 'hasten' | 'hold'>

function times(state: State, now: () => Date): Times {
  return {
    async hasten(recipient) {
      const not_before = now().toISOString()
      await state.relaxedTransaction((db) => {
        const later = db.updateTable('outbox').set({ not_before }).where('state', '=', 'waiting')
        const some = later.where('not_before', '>', not_before)
        return (recipient === undefined ? some : some.where('recipient', '=', recipient)).execute()
      })
    },
    async hold(recipient, until) {
      const not_before = until.toISOString()
      await state.relaxedTransaction((db) => {
        const waiting = db.updateTable('outbox').set({ not_before }).where('state', '=', 'waiting')
        return waiting.where('recipient', '=', recipient).where('not_before', '<', not_before).execute()
      })
    },
  }
}

async function replaceWaiting(db: Transaction<Tables>, topic: string, at: string): Promise<void> {
  const waiting = db.updateTable('outbox').where('topic', '=', topic).where('state', '=', 'waiting')
  await waiting.set({ state: 'replaced', settled_at: at, body: forgotten }).execute()
}

function questions(state: State): Questions {
  const waiting = () => state.db.selectFrom('outbox').selectAll().where('state', '=', 'waiting')
  return {
    async due(at, { limit, except }) {
      const all = waiting().where('not_before', '<=', at.toISOString())
      const some = except.length === 0 ? all : all.where('recipient', 'not in', except)
      return (await some.orderBy('id').limit(limit).execute()).map(messageOf)
    },
    async nextDue(at) {
      const later = waiting().where('not_before', '>', at.toISOString())
      const row = await later.orderBy('not_before').limit(1).executeTakeFirst()
      return row && new Date(row.not_before)
    },
    waitingSince: async (before) =>
      (await waiting().where('created_at', '<', before.toISOString()).orderBy('id').limit(100).execute()).map(
        messageOf,
      ),
    async newestOf(topic) {
      const rows = state.db.selectFrom('outbox').select('created_at').where('topic', '=', topic)
      const row = await rows.orderBy('id', 'desc').limit(1).executeTakeFirst()
      return row && new Date(row.created_at)
    },
  }
}

function messageOf(row: Selectable<Tables['outbox']>): OutboxMessage {
  const { id, kind, recipient, topic, state, attempts, reason } = row
  const times = { notBefore: new Date(row.not_before), createdAt: new Date(row.created_at) }
  return {
    id,
    kind,
    recipient,
    topic,
    body: JSON.parse(row.body),
    state,
    attempts,
    ...times,
    reason: reason ?? undefined,
  }
}
