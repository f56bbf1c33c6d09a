import type { Selectable, Updateable } from 'kysely'
import { LarderError, type Clock } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import type { RecordedChange, Run, RunError, RunGoal, RunLogLine, RunState, RunStep } from './run.ts'

/** Runs, their steps and logs, durable. Every method is one transaction. */
export interface RunStore {
  /** A waiting run. A waiting plan of the same branch is superseded: nobody needs it any more. */
  create(options: { branch: string; commit: string; goal: RunGoal; origin: string }): Promise<Run>
  /** RUN_UNKNOWN. */
  get(id: number): Promise<Run>
  /** Newest first. */
  list(options: { limit: number; before?: number; state?: RunState }): Promise<Run[]>
  /** Waiting runs, oldest first. */
  waiting(): Promise<Run[]>
  /** The newest run of that goal for the branch that was not superseded or cancelled. */
  latest(branch: string, goal: RunGoal): Promise<Run | undefined>
  start(id: number): Promise<Run>
  finish(id: number, outcome: { state: 'succeeded' | 'failed' | 'cancelled'; error?: RunError }): Promise<void>
  /** Back to waiting, with its steps kept. */
  putBack(id: number): Promise<void>
  /** After a restart: what was running waits again. Answers how many. */
  recover(): Promise<number>
  recordPlan(id: number, plan: readonly RecordedChange[]): Promise<void>
  beginStep(id: number, name: string): Promise<number>
  endStep(id: number, number: number, outcome: { state: 'done' | 'failed'; result?: unknown }): Promise<void>
  steps(id: number): Promise<RunStep[]>
  log(id: number, messages: readonly string[]): Promise<void>
  readLog(id: number, after: number): Promise<RunLogLine[]>
  /** Deletes finished runs, their steps and logs, beyond the newest `keep`. */
  prune(keep: number): Promise<void>
}

export function createRunStore(state: State, clock: Clock): RunStore {
  const now = () => clock.now().toISOString()
  const setRun = async (id: number, values: Updateable<Tables['runs']>): Promise<void> => {
    await state.transaction((db) => db.updateTable('runs').set(values).where('id', '=', id).execute())
  }
  const get = async (id: number): Promise<Run> => {
    const row = await state.db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined) throw new LarderError('RUN_UNKNOWN', { message: `There is no run ${id}.`, hint: 'larder run ls shows them.' })
    return runOf(row)
  }
  return {
    get,
    create: (options) => createRun(state, now(), options),
    async list({ limit, before, state: wanted }) {
      let query = state.db.selectFrom('runs').selectAll().orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      if (wanted !== undefined) query = query.where('state', '=', wanted)
      return (await query.execute()).map(runOf)
    },
    async waiting() {
      const rows = await state.db.selectFrom('runs').selectAll().where('state', '=', 'waiting').orderBy('id').execute()
      return rows.map(runOf)
    },
    async latest(branch, goal) {
      const row = await state.db
        .selectFrom('runs')
        .selectAll()
        .where('branch', '=', branch)
        .where('goal', '=', goal)
        .where('state', 'not in', ['superseded', 'cancelled'])
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : runOf(row)
    },
    async start(id) {
      const run = await get(id)
      if (run.state !== 'waiting') {
        throw new LarderError('RUN_STATE', { message: `Run ${id} is ${run.state}, so it cannot start.` })
      }
      const startedAt = run.startedAt?.toISOString() ?? now()
      await setRun(id, { state: 'running', started_at: startedAt, attempts: run.attempts + 1, error: null })
      return get(id)
    },
    finish: (id, { state: outcome, error }) =>
      setRun(id, { state: outcome, finished_at: now(), error: error === undefined ? null : JSON.stringify(error) }),
    putBack: (id) => setRun(id, { state: 'waiting', finished_at: null }),
    async recover() {
      return state.transaction(async (db) => {
        await db.updateTable('run_steps').set({ state: 'failed', finished_at: now() }).where('state', '=', 'running').execute()
        const result = await db.updateTable('runs').set({ state: 'waiting' }).where('state', '=', 'running').executeTakeFirst()
        return Number(result.numUpdatedRows)
      })
    },
    recordPlan: (id, plan) => setRun(id, { plan: JSON.stringify(plan) }),
    beginStep: (id, name) => beginStep(state, now(), id, name),
    async endStep(id, number, { state: outcome, result }) {
      const values = { state: outcome, finished_at: now(), result: result === undefined ? null : JSON.stringify(result) }
      await state.transaction((db) =>
        db.updateTable('run_steps').set(values).where('run_id', '=', id).where('number', '=', number).execute(),
      )
    },
    async steps(id) {
      const rows = await state.db.selectFrom('run_steps').selectAll().where('run_id', '=', id).orderBy('number').execute()
      return rows.map(stepOf)
    },
    log: (id, messages) => appendLog(state, now(), id, messages),
    async readLog(id, after) {
      const rows = await state.db
        .selectFrom('run_log')
        .selectAll()
        .where('run_id', '=', id)
        .where('number', '>', after)
        .orderBy('number')
        .execute()
      return rows.map((row) => ({ number: row.number, at: new Date(row.at), message: row.message }))
    },
    prune: (keep) => pruneRuns(state, keep),
  }
}

async function createRun(
  state: State,
  createdAt: string,
  { branch, commit, goal, origin }: { branch: string; commit: string; goal: RunGoal; origin: string },
): Promise<Run> {
  const row = await state.transaction(async (db) => {
    await db
      .updateTable('runs')
      .set({ state: 'superseded', finished_at: createdAt })
      .where('branch', '=', branch)
      .where('goal', '=', 'plan')
      .where('state', '=', 'waiting')
      .execute()
    const times = { created_at: createdAt, started_at: null, finished_at: null }
    return db
      .insertInto('runs')
      .values({ branch, commit_id: commit, goal, state: 'waiting', origin, ...times, attempts: 0, error: null, plan: null })
      .returningAll()
      .executeTakeFirstOrThrow()
  })
  return runOf(row)
}

async function beginStep(state: State, startedAt: string, runId: number, name: string): Promise<number> {
  return state.transaction(async (db) => {
    const last = await db
      .selectFrom('run_steps')
      .select((eb) => eb.fn.max('number').as('number'))
      .where('run_id', '=', runId)
      .executeTakeFirst()
    const number = Number(last?.number ?? 0) + 1
    await db
      .insertInto('run_steps')
      .values({ run_id: runId, number, name, state: 'running', started_at: startedAt, finished_at: null, result: null })
      .execute()
    return number
  })
}

async function appendLog(state: State, at: string, runId: number, messages: readonly string[]): Promise<void> {
  if (messages.length === 0) return
  await state.transaction(async (db) => {
    const last = await db
      .selectFrom('run_log')
      .select((eb) => eb.fn.max('number').as('number'))
      .where('run_id', '=', runId)
      .executeTakeFirst()
    const first = Number(last?.number ?? 0) + 1
    const rows = messages.map((message, index) => ({ run_id: runId, number: first + index, at, message }))
    await db.insertInto('run_log').values(rows).execute()
  })
}

async function pruneRuns(state: State, keep: number): Promise<void> {
  await state.transaction(async (db) => {
    const boundary = await db.selectFrom('runs').select('id').orderBy('id', 'desc').offset(keep).limit(1).executeTakeFirst()
    if (boundary === undefined) return
    const old = await db
      .selectFrom('runs')
      .select('id')
      .where('id', '<=', boundary.id)
      .where('state', 'not in', ['waiting', 'running'])
      .execute()
    for (const { id } of old) {
      await db.deleteFrom('run_log').where('run_id', '=', id).execute()
      await db.deleteFrom('run_steps').where('run_id', '=', id).execute()
      await db.deleteFrom('runs').where('id', '=', id).execute()
    }
  })
}

function runOf(row: Selectable<Tables['runs']>): Run {
  return {
    id: row.id,
    branch: row.branch,
    commit: row.commit_id,
    goal: row.goal,
    state: row.state,
    origin: row.origin,
    createdAt: new Date(row.created_at),
    startedAt: dateOf(row.started_at),
    finishedAt: dateOf(row.finished_at),
    attempts: row.attempts,
    error: row.error === null ? undefined : (JSON.parse(row.error) as RunError),
    plan: row.plan === null ? undefined : (JSON.parse(row.plan) as RecordedChange[]),
  }
}

function stepOf(row: Selectable<Tables['run_steps']>): RunStep {
  return {
    number: row.number,
    name: row.name,
    state: row.state,
    startedAt: new Date(row.started_at),
    finishedAt: dateOf(row.finished_at),
    result: row.result === null ? undefined : (JSON.parse(row.result) as unknown),
  }
}

function dateOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text)
}
