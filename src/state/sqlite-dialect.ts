import { AsyncLocalStorage } from 'node:async_hooks'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, Kysely, QueryResult } from 'kysely'
import { LarderError, Mutex } from '../core/index.ts'

/**
 * Kysely on node:sqlite. There is one connection, so a transaction owns it alone: a query outside waits until
 * the transaction has ended, and is never by accident a part of it.
 */
export function sqliteDialect(database: DatabaseSync): Dialect {
  return {
    createAdapter: () => new SerialAdapter(),
    createDriver: () => new SqliteDriver(database),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

/** The driver below sees to one user at a time; left to Kysely, a query that waits for its own transaction would hang. */
class SerialAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class SqliteDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #connection: SqliteConnection
  readonly #mutex = new Mutex()
  #release: () => void = () => {}

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#connection = new SqliteConnection(database)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (insideTransaction.getStore()?.open === true) {
      throw new Error('a query inside a transaction must use the transaction it was handed, or it waits for itself')
    }
    this.#release = await this.#mutex.acquire()
    return this.#connection
  }

  async releaseConnection(): Promise<void> {
    this.#release()
  }

  async beginTransaction(): Promise<void> {
    // NORMAL: whoever has to wait for the disk does so without holding up this thread (journal-sync.ts).
    // IMMEDIATE: the wait for another process' lock happens here, never in the middle.
    this.#connection.execute('PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE')
  }

  async commitTransaction(): Promise<void> {
    this.#connection.execute('COMMIT; PRAGMA synchronous = FULL')
  }

  async rollbackTransaction(): Promise<void> {
    // SQLite itself has rolled back already after some errors (disk full).
    if (this.#database.isTransaction) this.#connection.execute('ROLLBACK')
    this.#connection.execute('PRAGMA synchronous = FULL')
  }

  async destroy(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }
}

/** Runs work so that a query on the same database that forgets the transaction fails instead of waiting for ever. */
export async function markTransaction<T>(work: () => Promise<T>): Promise<T> {
  const mark = { open: true }
  try {
    return await insideTransaction.run(mark, work)
  } finally {
    mark.open = false
  }
}

const insideTransaction = new AsyncLocalStorage<{ open: boolean }>()

/** More kinds of statement than there are in the program; the rest are lists of varying length. */
const keptStatements = 300

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  execute(sql: string): void {
    translateErrors(() => {
      this.#database.exec(sql)
    })
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return translateErrors(() => {
      const statement = this.#prepare(query.sql)
      const parameters = query.parameters as SQLInputValue[]
      if (statement.columns().length > 0) return { rows: statement.all(...parameters) as R[] }
      const { changes, lastInsertRowid } = statement.run(...parameters)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    })
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    for (const row of this.#database.prepare(query.sql).iterate(...(query.parameters as SQLInputValue[]))) {
      yield { rows: [row as R] }
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    const statement = known ?? this.#database.prepare(sql)
    this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    if (this.#statements.size > keptStatements) {
      const oldest = this.#statements.keys().next()
      if (oldest.done !== true) this.#statements.delete(oldest.value)
    }
    return statement
  }
}

/** https://sqlite.org/rescode.html: the lowest eight bits of what it answers. */
const sqliteCorrupt = 11
const sqliteFull = 13
const sqliteNotADatabase = 26

/** What SQLite throws, as `translateError` has it. */
export function translateErrors<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translateError(error)
  }
}

/** DISK_FULL and DATA_DAMAGED for what SQLite throws; anything else as it is. */
export function translateError(error: unknown): unknown {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
  if (code === sqliteCorrupt || code === sqliteNotADatabase) return damaged(error as Error)
  if (code !== sqliteFull) return error
  return new LarderError('DISK_FULL', {
    message: 'The database could not grow: the file system has no space left.',
    hint: 'Free space on the file system of the data directory, or run `larder gc`.',
    cause: error,
  })
}

function damaged(cause: Error): LarderError {
  return new LarderError('DATA_DAMAGED', {
    message: `The database is damaged: ${cause.message}.`,
    hint: 'Keep a copy of the data folder, and restore larder.db from a backup (docs/operations.md). The disk may be failing.',
    cause,
  })
}
