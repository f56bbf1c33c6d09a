import { sql, type ExpressionBuilder, type Kysely, type Selectable, type Updateable } from 'kysely'
import { LarderError } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import type { RecordedChange, Run, RunError, RunLimit, RunScope } from './run.ts'
import { pruneRuns } from './prune-runs.ts'
import type { NewRun, RunStore } from './run-store.ts'

type RunMethods = Omit<RunStore, 'beginStep' | 'endStep' | 'steps' | 'log' | 'readLog'>

/** The table `runs`. */
export function runRows(state: State, now: () => string, mask: (text: string) => string): RunMethods {
  const set = async (id: number, values: Updateable<Tables['runs']>): Promise<void> => {
    await state.transaction((db) => db.updateTable('runs').set(values).where('id', '=', id).execute())
  }
  /** What a run that is begun again finds out again. */
  const note = async (id: number, values: Updateable<Tables['runs']>): Promise<void> => {
    await state.relaxedTransaction((db) => db.updateTable('runs').set(values).where('id', '=', id).execute())
  }
  return {
    ...runQueries(state),
    create: (run) => state.transaction((db) => createRun(db, now(), run)),
    createUnless: (isEnough, run) =>
      state.transaction(async (db) => {
        const newest = await newestRun(db, run, ['superseded'])
        if (newest !== undefined && isEnough(newest)) return { run: newest, isNew: false }
        return { run: await createRun(db, now(), run), isNew: true }
      }),
    start: (id) => startRun(state, now(), id),
    cancelWaiting: (id) => cancelWaitingRun(state, now(), id),
    finish: (id, { state: outcome, error }) =>
      set(id, { state: outcome, finished_at: now(), error: error === undefined ? null : mask(JSON.stringify(error)) }),
    putBack: (id) => set(id, { state: 'waiting', finished_at: null }),
    retry: (id) => retryRun(state, id),
    recover: (scope) => recoverRuns(state, now(), scope),
    recordPlan: (id, plan) => note(id, { plan: JSON.stringify(plan) }),
    prune: (keep) => pruneRuns(state, keep),
  }
}

type RunQueries = Pick<
  RunStore,
  | 'get'
  | 'limitOf'
  | 'list'
  | 'waiting'
  | 'next'
  | 'branchesToApply'
  | 'latest'
  | 'latestOfPullRequests'
  | 'unfinishedOfPullRequest'
>

function runQueries(state: State): RunQueries {
  const { db } = state
  return {
    get: (id) => getRun(state, id),
    async limitOf(id) {
      const row = await db.selectFrom('runs').select('only').where('id', '=', id).executeTakeFirst()
      return limitIn(row?.only ?? null)
    },
    async list({ limit, before, state: wanted, pullRequest }) {
      let query = db.selectFrom('runs').select(withoutPlan).orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      if (wanted !== undefined) query = query.where('state', '=', wanted)
      if (pullRequest !== undefined) query = query.where('pull_request', '=', pullRequest)
      return (await query.execute()).map((row) => runOf({ ...row, plan: null }))
    },
    async waiting() {
      const query = db.selectFrom('runs').select(withoutPlan).where('state', '=', 'waiting').orderBy('id')
      return (await query.execute()).map((row) => runOf({ ...row, plan: null }))
    },
    async next({ goal, branch }, limit) {
      const ofGoal = db.selectFrom('runs').select(withoutPlan).where('state', '=', 'waiting').where('goal', '=', goal)
      const waiting = branch === undefined ? ofGoal : ofGoal.where('branch', '=', branch)
      const rows = await waiting.orderBy('trust').orderBy('id').limit(limit).execute()
      return rows.map((row) => runOf({ ...row, plan: null }))
    },
    async branchesToApply() {
      const waiting = db.selectFrom('runs').where('state', '=', 'waiting').where('goal', '=', 'apply')
      return (await waiting.select('branch').distinct().execute()).map(({ branch }) => branch)
    },
    latest: (branch, goal, { withCancelled = false } = {}) =>
      newestRun(db, { branch, goal }, withCancelled ? ['superseded'] : ['superseded', 'cancelled']),
    async latestOfPullRequests(pullRequests) {
      const newest = sql<number>`(
        select (select id from runs where pull_request = asked.value and state <> 'superseded' order by id desc limit 1)
        from json_each(${JSON.stringify(pullRequests)}) as asked)`
      const rows = await db.selectFrom('runs').select(withoutPlan).where('id', 'in', newest).execute()
      return new Map(rows.map((row) => [row.pull_request ?? 0, runOf({ ...row, plan: null })]))
    },
    async unfinishedOfPullRequest(pullRequest) {
      const ofIt = db.selectFrom('runs').select(withoutPlan).where('pull_request', '=', pullRequest)
      const rows = await ofIt.where('state', 'in', ['waiting', 'running']).orderBy('id').execute()
      return rows.map((row) => runOf({ ...row, plan: null }))
    },
  }
}

/** The plan of a first run of a large mirror is megabytes. */
const withoutPlan = [
  'id', 'branch', 'commit_id', 'goal', 'state', 'origin', 'created_at', 'started_at', 'finished_at', 'attempts', 'error',
  'pull_request', 'base_commit', 'trust', 'sections', 'only',
] as const // prettier-ignore

async function getRun(state: State, id: number): Promise<Run> {
  const row = await state.db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
  if (row !== undefined) return runOf(row)
  throw new LarderError('RUN_UNKNOWN', { message: `There is no run ${id}.`, hint: 'larder run ls shows them.' })
}

/** Of those about the whole site, whatever pull requests bring. */
async function newestRun(
  db: Kysely<Tables>,
  { branch, goal }: Pick<NewRun, 'branch' | 'goal'>,
  except: readonly Run['state'][],
): Promise<Run | undefined> {
  const row = await db
    .selectFrom('runs')
    .select(withoutPlan)
    .where('branch', '=', branch)
    .where('pull_request', 'is', null)
    .where('goal', '=', goal)
    .where('sections', 'is', null)
    .where('state', 'not in', except)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : runOf({ ...row, plan: null })
}

async function createRun(db: Kysely<Tables>, created_at: string, run: NewRun): Promise<Run> {
  const { branch, commit, goal, origin, pullRequest = null, baseCommit = null, trust = 'trusted', sections, only } = run
  await db
    .updateTable('runs')
    .set({ state: 'superseded', finished_at: created_at })
    .where('branch', '=', branch)
    .where('pull_request', pullRequest === null ? 'is' : '=', pullRequest)
    .where('goal', '=', 'plan')
    .where('state', '=', 'waiting')
    .execute()
  const about = {
    pull_request: pullRequest,
    base_commit: baseCommit,
    trust,
    sections: sections === undefined ? null : JSON.stringify(sections),
    only: only === undefined ? null : JSON.stringify(only),
  }
  const empty = { started_at: null, finished_at: null, attempts: 0, error: null, plan: null }
  const row = await db
    .insertInto('runs')
    .values({ branch, commit_id: commit, goal, state: 'waiting', origin, created_at, ...about, ...empty })
    .returningAll()
    .executeTakeFirstOrThrow()
  return runOf(row)
}

async function startRun(state: State, started_at: string, id: number): Promise<Run> {
  await state.relaxedTransaction(async (db) => {
    const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
    if (row?.state !== 'waiting') return
    const { branch, goal, attempts } = row
    const begun = {
      state: 'running',
      started_at: row.started_at ?? started_at,
      attempts: attempts + 1,
      error: null,
    } as const
    await db.updateTable('runs').set(begun).where('id', '=', id).execute()
    if (goal !== 'apply' || row.sections !== null) return
    await db
      .updateTable('runs')
      .set({ state: 'superseded', finished_at: started_at })
      .where('branch', '=', branch)
      .where('goal', '=', 'apply')
      .where('state', '=', 'waiting')
      .where('id', '<', id)
      .execute()
  })
  const run = await getRun(state, id)
  if (run.state === 'running') return run
  throw new LarderError('RUN_STATE', { message: `Run ${id} is ${run.state}, so it cannot start.` })
}

async function retryRun(state: State, id: number): Promise<void> {
  const again = { state: 'waiting', finished_at: null, attempts: 0, error: null } as const
  await state.transaction(async (db) => {
    await db.updateTable('runs').set(again).where('id', '=', id).execute()
    await db.updateTable('run_steps').set({ result: null }).where('run_id', '=', id).execute()
  })
}

async function cancelWaitingRun(state: State, finished_at: string, id: number): Promise<boolean> {
  return state.transaction(async (db) => {
    const query = db.updateTable('runs').set({ state: 'cancelled', finished_at, error: null }).where('id', '=', id)
    return (await query.where('state', '=', 'waiting').executeTakeFirst()).numUpdatedRows > 0n
  })
}

async function recoverRuns(state: State, finished_at: string, scope?: RunScope): Promise<number> {
  const { goal, branch } = scope ?? {}
  const inScope = (eb: ExpressionBuilder<Tables, 'runs'>) =>
    eb.and([
      eb('state', '=', 'running'),
      ...(goal === undefined ? [] : [eb('goal', '=', goal)]),
      ...(branch === undefined ? [] : [eb('branch', '=', branch)]),
    ])
  return state.transaction(async (db) => {
    const failed = { state: 'failed', finished_at } as const
    const stuck = db.selectFrom('runs').select('id').where(inScope)
    const steps = db.updateTable('run_steps').set(failed).where('state', '=', 'running')
    await steps.where('run_id', 'in', stuck).execute()
    // To be killed is no failed attempt: what may pass is still tried as often as ever.
    const again = db.updateTable('runs').set((eb) => ({ state: 'waiting', attempts: eb('attempts', '-', 1) }))
    return Number((await again.where(inScope).executeTakeFirst()).numUpdatedRows)
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
    pullRequest: row.pull_request ?? undefined,
    baseCommit: row.base_commit ?? undefined,
    trust: row.trust,
    sections: row.sections === null ? undefined : (JSON.parse(row.sections) as string[]),
    only: limitIn(row.only),
  }
}

function limitIn(only: string | null): RunLimit | undefined {
  return only === null ? undefined : (JSON.parse(only) as RunLimit)
}

function dateOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text)
}
