import { sql } from 'kysely'
import type { State } from '../state/index.ts'

/** See RunStore.prune. */
export async function pruneRuns(state: State, keep: number): Promise<void> {
  await state.transaction(async (db) => {
    const newest = db.selectFrom('runs').select('id').orderBy('id', 'desc')
    const boundary = await newest.offset(keep).limit(1).executeTakeFirst()
    if (boundary === undefined) return
    const old = db
      .selectFrom('runs')
      .select('id')
      .where('id', '<=', boundary.id)
      .where('state', 'not in', ['waiting', 'running'])
      // Whoever tries a preview looks at the run that made it.
      .where('id', 'not in', db.selectFrom('previews').select('run_id'))
      .where('id', 'not in', answeringRuns)
    for (const { id } of await old.execute()) {
      await db.deleteFrom('run_log').where('run_id', '=', id).execute()
      await db.deleteFrom('run_steps').where('run_id', '=', id).execute()
      await db.deleteFrom('runs').where('id', '=', id).execute()
    }
  })
}

/** What was done last about each branch and open pull request: without it, it would be done once more. */
const answeringRuns = sql<number>`(
  select max(id) from runs
  where goal = 'apply' and pull_request is null and sections is null and state <> 'superseded' group by branch
  union
  select max(runs.id) from runs join pull_requests on pull_requests.number = runs.pull_request
  where pull_requests.state = 'open' and runs.state <> 'superseded' group by runs.pull_request)`
