import { DatabaseSync } from 'node:sqlite'
import { Kysely, type Transaction } from 'kysely'
import type { Clock } from '../core/index.ts'
import { Checkpoints } from './checkpoints.ts'
import { CommittedReader, type CommittedRow } from './committed-reader.ts'
import { JournalSync } from './journal-sync.ts'
import { migrate } from './migrate.ts'
import { markTransaction, sqliteDialect, translateError } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

/** The SQL database of one Larder. */
export interface State {
  /** For single statements. Inside `transaction`, use what it hands in. */
  readonly db: Kysely<Tables>
  /**
   * All of it or nothing, durable when it resolves; others see it as soon as it is committed, which is before that by
   * the time that the disk takes. Transactions run one after the other; `work` must not wait for anything slow, and must
   * not use `db`.
   */
  transaction<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T>
  /**
   * As `transaction`, but does not wait for the disk (2 to 20 ms each). It outlives the process however that ends; a
   * power cut may take it, with everything that came after it and nothing that came before the last durable
   * transaction. For what only helps work along: leases, steps, logs, caches. Never for what was acknowledged.
   */
  relaxedTransaction<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T>
  /**
   * The first row of what is committed, at once: past transactions that are under way, and past Kysely. For what is
   * asked for each delivery; `sql` is text of the program. DATA_DAMAGED.
   */
  firstCommitted(sql: string, values: readonly string[]): CommittedRow | undefined
  /**
   * From now on a thread brings what is committed from the journal into the database (some MiB of memory), and whoever
   * commits is never held up by that: for those who are to be answered within a millisecond.
   */
  checkpointApart(): void
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** File, made when it is not there; `:memory:` for tests. */
  path: string
  clock: Clock
  /** Other migrations than Larder's own: for tests. */
  migrationsFolder?: string
}

/** Opens the database and brings its tables up to date. DATA_NEWER, DATA_DAMAGED, DISK_FULL. */
export async function openDatabase(options: DatabaseOptions): Promise<State> {
  const database = new DatabaseSync(options.path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
  try {
    // FULL: a statement outside of a transaction waits for the disk (https://sqlite.org/pragma.html#pragma_synchronous).
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    await migrate(database, options.clock, options.migrationsFolder)
  } catch (error) {
    database.close()
    throw translateError(error)
  }
  const db = new Kysely<Tables>({ dialect: sqliteDialect(database) })
  const isFile = options.path !== ':memory:'
  const journal = isFile ? new JournalSync(options.path) : undefined
  const reader = new CommittedReader(() =>
    isFile ? new DatabaseSync(options.path, { readOnly: true, timeout: busyTimeoutMs }) : database,
  )
  let checkpoints: Checkpoints | undefined
  const relaxedTransaction: State['relaxedTransaction'] = async (work) => {
    const result = await db.transaction().execute((transaction) => markTransaction(() => work(transaction)))
    checkpoints?.committed()
    return result
  }
  return {
    db,
    async transaction(work) {
      const result = await relaxedTransaction(work)
      await journal?.durable()
      return result
    },
    relaxedTransaction,
    firstCommitted: (sql, values) => reader.first(sql, values),
    checkpointApart() {
      if (!isFile || checkpoints !== undefined) return
      database.exec('PRAGMA wal_autocheckpoint = 0')
      checkpoints = new Checkpoints({
        path: options.path,
        alone: (work) => db.connection().execute(work),
        onEnd: () => database.exec(`PRAGMA wal_autocheckpoint = ${ownCheckpointPages}`),
      })
    },
    close: async () => {
      await checkpoints?.close()
      await journal?.close()
      reader.close()
      await db.destroy()
      // Kysely destroys only what a query has initialised.
      if (database.isOpen) database.close()
    },
  }
}

/** SQLite's own default. */
const ownCheckpointPages = 1000

/** Another process (a backup, `sqlite3` at a prompt) may hold the file for a moment. */
const busyTimeoutMs = 10_000
