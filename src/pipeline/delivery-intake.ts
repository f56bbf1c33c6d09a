import { CompiledQuery } from 'kysely'
import type { Transaction } from 'kysely'
import type { Clock } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import type { Delivery } from './event-store.ts'

/** What somebody who delivers is told. */
export interface IntakeAnswer {
  status: 'accepted' | 'duplicate'
  id: number
}

interface Intake {
  delivery: Delivery
  receivedAt: string
  resolve: (answer: IntakeAnswer) => void
  reject: (error: unknown) => void
}

/** As text: building them for each delivery took longer than SQLite takes to carry them out. */
const insertSql = `
  insert into events (forge, repository, delivery_id, name, received_at, state)
  values (?, ?, ?, ?, ?, 'waiting')
  on conflict (forge, repository, delivery_id) do nothing
  returning id`
const bodySql = 'insert into event_bodies (event_id, body) values (?, ?)'
const knownSql = 'select id from events where forge = ? and repository = ? and delivery_id = ?'

/** More at once would hold up this thread for longer than a wait for the disk takes. */
const mostAtOnce = 50

/**
 * Writes deliveries in the order in which they come, all that one turn of the event loop brought in one transaction.
 * Those that come while others are on their way to the disk are written meanwhile, and share the next wait for it.
 */
export class DeliveryIntake {
  readonly #state: State
  readonly #clock: Clock
  #hasBegun = false
  #arrived: Intake[] = []

  constructor(state: State, clock: Clock) {
    this.#state = state
    this.#clock = clock
  }

  accept(delivery: Delivery): Promise<IntakeAnswer> {
    // Only where deliveries come is there a thread for them.
    if (!this.#hasBegun) this.#state.checkpointApart()
    this.#hasBegun = true
    const { promise, resolve, reject } = Promise.withResolvers<IntakeAnswer>()
    this.#arrived.push({ delivery, receivedAt: this.#clock.now().toISOString(), resolve, reject })
    if (this.#arrived.length === 1) setImmediate(() => this.#write())
    else if (this.#arrived.length === mostAtOnce) this.#write()
    return promise
  }

  #write(): void {
    const batch = this.#arrived
    this.#arrived = []
    if (batch.length === 0) return
    this.#insert(batch).then(
      (answers) => {
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index]!)
      },
      (error: unknown) => {
        // None of them is kept: whoever sent one is told so, and sends it again.
        for (const { reject } of batch) reject(error)
      },
    )
  }

  #insert(batch: readonly Intake[]): Promise<IntakeAnswer[]> {
    return this.#state.transaction(async (db) => {
      const answers: IntakeAnswer[] = []
      for (const intake of batch) answers.push(await insertOne(db, intake))
      return answers
    })
  }
}

async function insertOne(db: Transaction<Tables>, { delivery, receivedAt }: Intake): Promise<IntakeAnswer> {
  const { forge, repository, deliveryId, event, body } = delivery
  const same = [forge, repository, deliveryId]
  const added = await idOf(db, insertSql, [...same, event, receivedAt])
  if (added !== undefined) {
    await db.executeQuery(CompiledQuery.raw(bodySql, [added, body]))
    return { status: 'accepted', id: added }
  }
  const known = await idOf(db, knownSql, same)
  if (known === undefined) throw new Error('a delivery that is known is not there')
  return { status: 'duplicate', id: known }
}

async function idOf(db: Transaction<Tables>, text: string, values: readonly string[]): Promise<number | undefined> {
  return (await db.executeQuery<{ id: number }>(CompiledQuery.raw(text, [...values]))).rows[0]?.id
}
