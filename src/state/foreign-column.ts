import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'

/** Says what is wrong; whoever knows whose database it is makes something of it. */
export class ForeignDatabaseError extends Error {}

/**
 * The values of a column of bytes in an SQLite database that another program made and nobody vouches for, in the order
 * of its rows. The file is a copy that may be changed: the log beside it is played back. Nothing that the database
 * defines itself (views, expressions, triggers) is ever run. Lets others have their turn between rows.
 *
 * @throws ForeignDatabaseError
 */
export async function* readForeignColumn(
  path: string,
  { table, column, maxRows }: { table: string; column: string; maxRows: number },
): AsyncGenerator<Uint8Array> {
  const database = open(path)
  try {
    const rows = told(() => select(database, table, column).iterate())
    for (let count = 0; ; count++) {
      const next = told(() => rows.next())
      if (next.done === true) return
      if (count >= maxRows) throw new ForeignDatabaseError(`it has more than ${maxRows} rows`)
      const value = next.value[0]
      if (value instanceof Uint8Array) yield value
      if (count % 16 === 15) await setImmediate()
    }
  } finally {
    database.close()
  }
}

function open(path: string): DatabaseSync {
  return told(() => {
    const database = new DatabaseSync(path)
    database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0')
    return database
  })
}

function select(database: DatabaseSync, table: string, column: string): ReturnType<DatabaseSync['prepare']> {
  const found = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table)
  const definition = typeof found?.['sql'] === 'string' ? found['sql'] : ''
  // Anything in parentheses could be an expression that never ends.
  if (!/^CREATE TABLE [^()]*\([^()]*\)$/.test(definition))
    throw new ForeignDatabaseError(`it has no plain table ${table}`)
  const statement = database.prepare(`SELECT ${quoted(column)} FROM ${quoted(table)} ORDER BY rowid`)
  statement.setReturnArrays(true)
  return statement
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function told<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const isSqlite = error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
    throw isSqlite ? new ForeignDatabaseError(error.message, { cause: error }) : error
  }
}
