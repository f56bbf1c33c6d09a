import { isLarderError, type Clock } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { JournalRecord } from './delivery-batch.ts'
import { DeliveryJournal, type DeliveryJournalOptions, type JournalPlace } from './delivery-journal.ts'
import { findKnown, findStored, lastEventId, storeWaiting, type KeptDelivery } from './delivery-rows.ts'
import type { Delivery } from './event-store.ts'

/** What somebody who delivers is told. */
export interface IntakeAnswer {
  status: 'accepted' | 'duplicate'
  id: number
}

interface Arrival {
  delivery: Delivery
  key: string
  receivedAt: string
  resolve: (answer: IntakeAnswer) => void
  reject: (error: unknown) => void
}

export interface IntakeOptions {
  state: State
  clock: Clock
  journal: Omit<DeliveryJournalOptions, 'reclaim'>
  /** What came before that is known no more, and so is not taken up from the journal again. */
  keepDays: number
}

/** More in one batch would hold up this thread for longer than a wait for the disk takes. */
const mostTogether = 50
/** One more would seldom bring an answer sooner, and takes a thread from others who read and write files. */
const mostBatches = 2

/** Brings what the last life has left in the journal into the database. DISK_FULL, DATA_DAMAGED. */
export async function openIntake(options: IntakeOptions): Promise<DeliveryIntake> {
  const intake = new DeliveryIntake(options)
  await intake.takeUp()
  return intake
}

/**
 * Keeps deliveries in the journal, in the order in which they come, until the database has them: that is when they are
 * settled, or when their file of the journal is to be written anew. All that one turn of the event loop brings is
 * written together, and so is what comes while others are on their way to the disk.
 */
export class DeliveryIntake {
  readonly #options: IntakeOptions
  readonly #journal: DeliveryJournal
  /** By number: in the journal, and not in the database. */
  readonly #kept = new Map<number, KeptDelivery & { place: JournalPlace }>()
  /** What is on its way to the disk or kept, by what makes it the same. */
  readonly #answers = new Map<string, Promise<IntakeAnswer>>()
  #lastId = 0
  #closed: Promise<void> | undefined
  readonly #arrived: Arrival[] = []
  #isScheduled = false
  #batches = 0
  #hasBegun = false

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#journal = new DeliveryJournal({ ...options.journal, reclaim: (file) => this.#reclaim(file) })
  }

  /** Oldest first. */
  kept(): KeptDelivery[] {
    return [...this.#kept.values()]
  }

  /** Those of the numbers that the database does not have yet. */
  keptOf(ids: readonly number[]): KeptDelivery[] {
    return ids.flatMap((id) => this.#kept.get(id) ?? [])
  }

  /** The database has them. */
  stored(ids: readonly number[]): void {
    for (const id of ids) {
      const kept = this.#kept.get(id)
      if (kept !== undefined) this.#answers.delete(keyOf(kept))
      this.#kept.delete(id)
    }
  }

  /** Of one that is kept. */
  async bodyOf(id: number): Promise<string | undefined> {
    const kept = this.#kept.get(id)
    const body = kept && (await this.#journal.readBody(kept.place))
    // It may have come into the database meanwhile, and its place may be another's.
    return this.#kept.has(id) ? body : undefined
  }

  /** Durable when it resolves. DISK_FULL, DATA_DAMAGED. */
  async accept(delivery: Delivery): Promise<IntakeAnswer> {
    // Only where deliveries come is there a thread for them.
    if (!this.#hasBegun) this.#options.state.checkpointApart()
    this.#hasBegun = true
    const key = keyOf(delivery)
    const same = this.#answers.get(key)
    if (same !== undefined) return { status: 'duplicate', id: (await same).id }
    const { promise, resolve, reject } = Promise.withResolvers<IntakeAnswer>()
    this.#answers.set(key, promise)
    const receivedAt = this.#options.clock.now().toISOString()
    this.#arrived.push({ delivery, key, receivedAt, resolve, reject })
    this.#schedule()
    return promise
  }

  async takeUp(): Promise<void> {
    const { state, clock, keepDays } = this.#options
    const oldest = new Date(clock.now().getTime() - keepDays * dayMs).toISOString()
    this.#lastId = await lastEventId(state.db)
    let hasFound = false
    for (const file of [0, 1]) {
      const found = (await this.#journal.read(file)).filter(({ receivedAt }) => receivedAt >= oldest)
      hasFound ||= found.length > 0
      this.#lastId = found.reduce((last, { id }) => Math.max(last, id), this.#lastId)
      const known = await findKnown(state.db, found)
      const missing = found.filter((_, at) => known[at] === undefined || known[at].state === 'waiting')
      // Also when none is: what was settled before has to be durable before the journal forgets it.
      if (found.length > 0) await state.transaction((db) => storeWaiting(db, missing))
    }
    if (hasFound) await this.#journal.clear()
  }

  /** What is kept goes into the database. Once, however often it is asked. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#answers.values())
    try {
      for (const file of [0, 1]) await this.#reclaim(file)
      await this.#journal.clear()
    } catch (error) {
      // Then it is taken up from the journal at the next start.
      if (!isLarderError(error, 'DISK_FULL', 'DATA_DAMAGED')) throw error
    } finally {
      await this.#journal.close()
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#batches === mostBatches || this.#arrived.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const batch = this.#arrived.splice(0, mostTogether)
      this.#batches++
      this.#write(batch)
        // None of them is kept: whoever sent one is told so, and sends it again.
        .catch((error: unknown) => {
          for (const { key, reject } of batch) {
            this.#answers.delete(key)
            reject(error)
          }
        })
        .finally(() => {
          this.#batches--
          this.#schedule()
        })
      this.#schedule()
    })
  }

  async #write(batch: readonly Arrival[]): Promise<void> {
    const records: JournalRecord[] = []
    const answered: (() => void)[] = []
    for (const { delivery, key, receivedAt, resolve } of batch) {
      const id = findStored(this.#options.state, delivery)
      if (id === undefined) {
        const record = { ...delivery, id: ++this.#lastId, receivedAt }
        records.push(record)
        answered.push(() => resolve({ status: 'accepted', id: record.id }))
      } else {
        this.#answers.delete(key)
        resolve({ status: 'duplicate', id })
      }
    }
    if (records.length === 0) return
    await this.#journal.append(records, (bodies) => {
      for (const [at, { id, receivedAt, forge, repository, deliveryId, event }] of records.entries())
        this.#kept.set(id, { id, receivedAt, forge, repository, deliveryId, event, place: bodies[at]! })
    })
    for (const answer of answered) answer()
  }

  async #reclaim(file: number): Promise<void> {
    const records: JournalRecord[] = []
    for (const { place, ...kept } of this.#kept.values())
      if (place.file === file) records.push({ ...kept, body: await this.#journal.readBody(place) })
    // Also for those that were settled before without waiting for the disk.
    await this.#options.state.transaction((db) => storeWaiting(db, records))
    this.stored(records.map(({ id }) => id))
  }
}

const dayMs = 24 * 3600_000

/** None of the parts has a line feed: they are names, and the value of a header. */
function keyOf({ forge, repository, deliveryId }: Pick<Delivery, 'forge' | 'repository' | 'deliveryId'>): string {
  return `${forge}\n${repository}\n${deliveryId}`
}
