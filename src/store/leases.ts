import { randomUUID } from 'node:crypto'
import { type Clock, type Digest, isDigest, LarderError } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { BlobStore, LeaseId, Leases } from './blob-store.ts'
import { sqlLeaseBook } from './lease-book.ts'

/** Leases as gc sees them. */
export interface CollectableLeases extends Leases {
  /**
   * Runs a collection: leases that have expired are dropped first, and those that are released while it runs
   * keep their blobs until it ends. Otherwise a root that is committed after the marking, and whose lease is
   * released before the sweep, would protect nothing at either moment.
   */
  duringCollection<T>(work: () => Promise<T>): Promise<T>
  /** Those of the digests that some lease holds. */
  held(digests: readonly Digest[]): Promise<ReadonlySet<Digest>>
  /** At a start: what a process that is gone had leased, but for these holders, whose work goes on. */
  releaseAllBut(holders: readonly string[]): Promise<void>
  /** Every digest that some lease holds. */
  roots(): AsyncIterable<Digest>
  live(): Promise<ReadonlySet<LeaseId>>
}

const dayMs = 86_400_000

/** Leases kept in the database: they outlive the process, so that a run that was killed finds what it had. */
export function createLeases(state: State, store: Pick<BlobStore, 'has'>, clock: Clock): CollectableLeases {
  return new SqlLeases(state, store, clock)
}

class SqlLeases implements CollectableLeases {
  readonly #state: State
  readonly #store: Pick<BlobStore, 'has'>
  readonly #clock: Clock
  readonly #book
  #collections = 0
  readonly #postponed = new Set<LeaseId>()

  constructor(state: State, store: Pick<BlobStore, 'has'>, clock: Clock) {
    this.#state = state
    this.#store = store
    this.#clock = clock
    this.#book = sqlLeaseBook(state)
  }

  async acquire(holder: string, durationMs: number = dayMs): Promise<LeaseId> {
    const expires_at = new Date(this.#clock.now().getTime() + durationMs).toISOString()
    const row = await this.#state.relaxedTransaction((transaction) =>
      transaction
        .insertInto('leases')
        .values({ id: randomUUID(), holder, expires_at })
        .onConflict((conflict) => conflict.column('holder').doUpdateSet({ expires_at }))
        .returning('id')
        .executeTakeFirstOrThrow(),
    )
    this.#postponed.delete(row.id as LeaseId)
    return row.id as LeaseId
  }

  async pin(lease: LeaseId, digests: readonly Digest[]): Promise<void> {
    const unique = [...new Set(digests)]
    // First written down, then looked for: see BlobStore.remove.
    await this.#book.record(lease, unique)
    const missing = await missingOf(this.#store, unique)
    if (missing.length === 0) return
    throw new LarderError('BLOB_MISSING', {
      message: `${missing.length} of ${unique.length} blobs to be kept are not in the store, the first being ${missing[0] ?? ''}.`,
      hint: 'Run the work again: what is missing is fetched anew.',
      context: { missing: missing.slice(0, 20) },
    })
  }

  async release(lease: LeaseId): Promise<void> {
    if (this.#collections > 0) this.#postponed.add(lease)
    else await this.#drop([lease])
  }

  async duringCollection<T>(work: () => Promise<T>): Promise<T> {
    this.#collections++
    try {
      const now = this.#clock.now().toISOString()
      await this.#state.db.deleteFrom('leases').where('expires_at', '<=', now).execute()
      return await work()
    } finally {
      this.#collections--
      if (this.#collections === 0) {
        const released = [...this.#postponed]
        this.#postponed.clear()
        await this.#drop(released)
      }
    }
  }

  async held(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    const rows = await this.#state.db
      .selectFrom('lease_blobs')
      .select('digest')
      .distinct()
      .where('digest', 'in', digests)
      .execute()
    return new Set(rows.map((row) => row.digest as Digest))
  }

  async releaseAllBut(holders: readonly string[]): Promise<void> {
    const rows = await this.#state.db.selectFrom('leases').select(['id', 'holder']).execute()
    const kept = new Set(holders)
    for (const { id, holder } of rows) if (!kept.has(holder)) await this.release(id as LeaseId)
  }

  async *roots(): AsyncIterable<Digest> {
    const rows = await this.#state.db.selectFrom('lease_blobs').select('digest').distinct().execute()
    for (const { digest } of rows) if (isDigest(digest)) yield digest
  }

  async live(): Promise<ReadonlySet<LeaseId>> {
    const rows = await this.#state.db.selectFrom('leases').select('id').execute()
    return new Set(rows.map((row) => row.id as LeaseId))
  }

  async #drop(leases: readonly LeaseId[]): Promise<void> {
    if (leases.length === 0) return
    await this.#state.relaxedTransaction((transaction) =>
      transaction.deleteFrom('leases').where('id', 'in', leases).execute(),
    )
  }
}

/** Looks that go on at the same time. */
const looksAtOnce = 64

async function missingOf(store: Pick<BlobStore, 'has'>, digests: readonly Digest[]): Promise<Digest[]> {
  const missing: Digest[] = []
  for (let start = 0; start < digests.length; start += looksAtOnce) {
    const some = digests.slice(start, start + looksAtOnce)
    const there = await Promise.all(some.map((digest) => store.has(digest)))
    missing.push(...some.filter((_, index) => there[index] !== true))
  }
  return missing
}
