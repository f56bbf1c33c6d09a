import { sql } from 'kysely'
import { isLarderError } from '../core/index.ts'
import type { State } from './database.ts'

/**
 * What SQLite finds wrong with its file, in its own words; none is an empty list. `thorough` also compares every index
 * with its table, and takes several times as long. Source: https://sqlite.org/pragma.html#pragma_integrity_check
 */
export async function checkIntegrity(state: State, { thorough }: { thorough: boolean }): Promise<string[]> {
  const pragma = thorough ? sql`PRAGMA integrity_check(20)` : sql`PRAGMA quick_check(20)`
  try {
    const { rows } = await pragma.execute(state.db)
    const said = rows.flatMap((row) => Object.values(row as Record<string, string>))
    return said.length === 1 && said[0] === 'ok' ? [] : said.flatMap((line) => line.split('\n'))
  } catch (error) {
    // A page so damaged that the check itself cannot go on.
    if (isLarderError(error, 'DATA_DAMAGED')) return [error.message]
    throw error
  }
}
