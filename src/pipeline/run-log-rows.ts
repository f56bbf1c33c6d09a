import type { State } from '../state/index.ts'
import type { RunStore } from './run-store.ts'

/** The table `run_log`. */
export function runLogRows(
  state: State,
  now: () => string,
  mask: (text: string) => string,
): Pick<RunStore, 'log' | 'readLog'> {
  return {
    async log(runId, messages) {
      if (messages.length === 0) return
      await state.relaxedTransaction(async (db) => {
        const last = await db
          .selectFrom('run_log')
          .select((eb) => eb.fn.max('number').as('number'))
          .where('run_id', '=', runId)
          .executeTakeFirst()
        const first = ((last?.number as number | null | undefined) ?? 0) + 1
        const at = now()
        const rows = messages.map((message, index) => ({
          run_id: runId,
          number: first + index,
          at,
          message: mask(message),
        }))
        // SQLite binds at most 32,766 values in one statement.
        for (let start = 0; start < rows.length; start += rowsAtOnce) {
          await db
            .insertInto('run_log')
            .values(rows.slice(start, start + rowsAtOnce))
            .execute()
        }
      })
    },
    async readLog(runId, after) {
      const rows = await state.db
        .selectFrom('run_log')
        .selectAll()
        .where('run_id', '=', runId)
        .where('number', '>', after)
        .orderBy('number')
        .execute()
      return rows.map((row) => ({ number: row.number, at: new Date(row.at), message: row.message }))
    },
  }
}

const rowsAtOnce = 1000
