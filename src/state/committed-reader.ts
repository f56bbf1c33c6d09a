import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import { translateErrors } from './sqlite-dialect.ts'

/** By the names of its columns. */
export type CommittedRow = Record<string, SQLOutputValue>

/**
 * Reads what is committed by a connection of its own, at once: whoever answers a delivery waits for no transaction that is
 * under way, and a question takes a tenth of what it takes through Kysely (8 in place of 80 µs).
 */
export class CommittedReader {
  readonly #open: () => DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #database: DatabaseSync | undefined

  /** `open` is called by the first question. */
  constructor(open: () => DatabaseSync) {
    this.#open = open
  }

  /** The first row that is found. SQL is text of the program: each is compiled once and kept. DATA_DAMAGED. */
  first(sql: string, values: readonly string[]): CommittedRow | undefined {
    return translateErrors(() => {
      const database = (this.#database ??= this.#open())
      const statement = this.#statements.get(sql) ?? database.prepare(sql)
      this.#statements.set(sql, statement)
      return statement.get(...values)
    })
  }

  close(): void {
    this.#statements.clear()
    if (this.#database?.isOpen === true) this.#database.close()
  }
}
