import type { Selectable } from 'kysely'
import type { State, Tables } from '../state/index.ts'
import type { RunStep } from './run.ts'
import type { RunStore } from './run-store.ts'

/** The table `run_steps`. */
export function runStepRows(state: State, now: () => string): Pick<RunStore, 'beginStep' | 'endStep' | 'steps'> {
  return {
    beginStep: (runId, name) =>
      state.relaxedTransaction(async (db) => {
        const last = await db
          .selectFrom('run_steps')
          .select((eb) => eb.fn.max('number').as('number'))
          .where('run_id', '=', runId)
          .executeTakeFirst()
        const number = ((last?.number as number | null | undefined) ?? 0) + 1
        const step = { run_id: runId, number, name, state: 'running' as const }
        await db
          .insertInto('run_steps')
          .values({ ...step, started_at: now(), finished_at: null, result: null })
          .execute()
        return number
      }),
    async endStep(runId, number, outcome) {
      const result = outcome.result === undefined ? null : JSON.stringify(outcome.result)
      await state.relaxedTransaction((db) =>
        db
          .updateTable('run_steps')
          .set({ state: outcome.state, finished_at: now(), result })
          .where('run_id', '=', runId)
          .where('number', '=', number)
          .execute(),
      )
    },
    async steps(runId) {
      const query = state.db.selectFrom('run_steps').selectAll().where('run_id', '=', runId).orderBy('number')
      return (await query.execute()).map(stepOf)
    },
  }
}

function stepOf(row: Selectable<Tables['run_steps']>): RunStep {
  return {
    number: row.number,
    name: row.name,
    state: row.state,
    startedAt: new Date(row.started_at),
    finishedAt: row.finished_at === null ? undefined : new Date(row.finished_at),
    result: row.result === null ? undefined : (JSON.parse(row.result) as unknown),
  }
}
