import type { Transaction } from 'kysely'
import { type Digest, LarderError } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import type { LeaseId } from './blob-store.ts'

/** Where a store writes down what it is about to hold, before the bytes become visible. */
export interface LeaseBook {
  /** Outlives the process when it resolves: a power cut takes it only with all that came after it. LEASE_LOST. */
  record(lease: LeaseId, digests: readonly Digest[]): Promise<void>
}

/**
 * Writers that ask at the same moment share one transaction: a hundred downloads that end together cost one commit.
 */
export function sqlLeaseBook(state: State): LeaseBook {
  let waiting: Entry[] = []
  let busy = false
  const flush = async (): Promise<void> => {
    busy = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await recordBatch(state, batch)
    }
    busy = false
  }
  return {
    record: (lease, digests) => {
      if (digests.length === 0) return Promise.resolve()
      return new Promise((resolve, reject) => {
        waiting.push({ lease, digests, resolve, reject })
        if (!busy) flush().catch(reject)
      })
    },
  }
}

interface Entry {
  lease: LeaseId
  digests: readonly Digest[]
  resolve: () => void
  reject: (reason: unknown) => void
}

/** Never rejects: each entry is told by itself. */
async function recordBatch(state: State, batch: readonly Entry[]): Promise<void> {
  let outcomes: (LarderError | undefined)[]
  try {
    outcomes = await state.relaxedTransaction(async (transaction) => {
      const live = await liveLeases(transaction, batch)
      const kept = batch.filter((entry) => live.has(entry.lease))
      await insertRows(
        transaction,
        kept.flatMap((entry) => entry.digests.map((digest) => ({ lease_id: entry.lease, digest }))),
      )
      return batch.map((entry) => (live.has(entry.lease) ? undefined : leaseLost(entry.lease)))
    })
  } catch (error) {
    for (const entry of batch) entry.reject(error)
    return
  }
  batch.forEach((entry, index) => {
    const error = outcomes[index]
    if (error === undefined) entry.resolve()
    else entry.reject(error)
  })
}

async function liveLeases(transaction: Transaction<Tables>, batch: readonly Entry[]): Promise<Set<string>> {
  const ids = [...new Set(batch.map((entry) => entry.lease))]
  const rows = await transaction.selectFrom('leases').select('id').where('id', 'in', ids).execute()
  return new Set(rows.map((row) => row.id))
}

/** Rows of one statement: well under SQLite's limit of 32,766 parameters, and few shapes of statement. */
const rowsPerInsert = 500

async function insertRows(
  transaction: Transaction<Tables>,
  rows: readonly { lease_id: string; digest: string }[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsPerInsert) {
    await transaction
      .insertInto('lease_blobs')
      .values(rows.slice(start, start + rowsPerInsert))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

function leaseLost(lease: LeaseId): LarderError {
  return new LarderError('LEASE_LOST', {
    message: `The lease ${lease} was released, or expired and was cleared away, while work went on under it.`,
    hint: 'Run the work again: it takes a new lease and keeps what is already stored.',
    context: { lease },
  })
}
