import { CompiledQuery } from 'kysely'
import type { Clock } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { Delivery } from './event-store.ts'

interface Intake {
  delivery: Delivery
  receivedAt: string
  resolve: (answer: { status: 'accepted' | 'duplicate'; id: number }) => void
  reject: (error: unknown) => void
}

/** As text: building it for each delivery took longer than SQLite takes to carry it out. */
const insertSql = `
  insert into events (forge, repository, delivery_id, name, body, received_at, state)
  values (?, ?, ?, ?, ?, ?, 'waiting')
  on conflict (forge, repository, delivery_id) do nothing
  returning id`

/** More at once would make the first of them wait for the last. */
const mostAtOnce = 200

/** Writes deliveries in the order in which they come, all that have come meanwhile in one transaction. */
export class DeliveryIntake {
  readonly #state: State
  readonly #clock: Clock
  readonly #arrived: Intake[] = []
  #isWriting = false

  constructor(state: State, clock: Clock) {
    this.#state = state
    this.#clock = clock
  }

  accept(delivery: Delivery): Promise<{ status: 'accepted' | 'duplicate'; id: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: 'accepted' | 'duplicate'; id: number }>()
    this.#arrived.push({ delivery, receivedAt: this.#clock.now().toISOString(), resolve, reject })
    if (!this.#isWriting) this.#write().catch(reject)
    return promise
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    for (;;) {
      // SQLite writes while nothing else happens in this process: only a turn of the event loop brings in what has
      // arrived at the socket meanwhile.
      await nextTurn()
      if (this.#arrived.length === 0) break
      const batch = this.#arrived.splice(0, mostAtOnce)
      try {
        const answers = await this.#insert(batch)
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index]!)
      } catch (error) {
        // None of them is kept: whoever sent one is told so, and sends it again.
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }

  #insert(batch: readonly Intake[]): Promise<{ status: 'accepted' | 'duplicate'; id: number }[]> {
    return this.#state.transaction(async (db) => {
      const answers: { status: 'accepted' | 'duplicate'; id: number }[] = []
      for (const { delivery, receivedAt: received_at } of batch) {
        const { forge, repository, deliveryId: delivery_id, event, body } = delivery
        const values = [forge, repository, delivery_id, event, body, received_at]
        const [added] = (await db.executeQuery<{ id: number }>(CompiledQuery.raw(insertSql, values))).rows
        if (added !== undefined) answers.push({ status: 'accepted', id: added.id })
        else {
          const known = db.selectFrom('events').select('id').where('forge', '=', forge)
          const same = known.where('repository', '=', repository).where('delivery_id', '=', delivery_id)
          answers.push({ status: 'duplicate', id: (await same.executeTakeFirstOrThrow()).id })
        }
      }
      return answers
    })
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
