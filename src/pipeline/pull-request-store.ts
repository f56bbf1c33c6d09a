import { sql, type RawBuilder, type Selectable, type UpdateObject } from 'kysely'
import type { PullRequest } from '../forge/index.ts'
import type { State, Tables } from '../state/index.ts'

/** A pull request as it was last heard of. */
export interface KnownPullRequest extends Omit<PullRequest, 'baseCommit' | 'headRepository'> {
  state: 'open' | 'closed' | 'merged'
  /** The head that a maintainer gave their word for. */
  approvedCommit: string | undefined
  approvedBy: string | undefined
  /** The label by which word is given was on it when that was last told. */
  isLabelled: boolean
  /** Runs up to this number planned it before it was last closed: they answer for it no more. */
  closedAfterRun: number
  updatedAt: Date
}

export type NewsOfPullRequest = Omit<
  KnownPullRequest,
  'approvedCommit' | 'approvedBy' | 'isLabelled' | 'closedAfterRun'
> & {
  labelled?: boolean
  /** Who gave their word for its head. */
  headApprovedBy?: string
}

/** Which forge and repository it is of. */
export interface RepositoryAtForge {
  forge: string
  /** `owner/name` */
  repository: string
}

/** Pull requests of the configured repository. What is written is durable. */
export interface PullRequestStore {
  /**
   * Older news than what is known change nothing: deliveries come out of order.
   * Written as news come, by webhook or poll; an approval of another head than the present one stays and means nothing.
   */
  put(pullRequest: NewsOfPullRequest): Promise<void>
  get(number: number): Promise<KnownPullRequest | undefined>
  /** In order of number. */
  open(): Promise<KnownPullRequest[]>
  /** Newest first. */
  list(options: { limit: number; state?: KnownPullRequest['state'] }): Promise<KnownPullRequest[]>
  close(number: number, state: 'closed' | 'merged'): Promise<void>
  /** Forgets those that were over before then. */
  prune(before: Date): Promise<number>
  /** The label by which word is given is on it. */
  noteLabel(number: number): Promise<void>
  /** False when it is not known. */
  approve(number: number, commit: string, by: string): Promise<boolean>
}

export function createPullRequestStore(state: State, of: RepositoryAtForge): PullRequestStore {
  const { forge, repository } = of
  const rows = () =>
    state.db.selectFrom('pull_requests').selectAll().where('forge', '=', forge).where('repository', '=', repository)
  const change = async (number: number, values: UpdateObject<Tables, 'pull_requests'>): Promise<boolean> => {
    const [result] = await state.transaction((db) =>
      db
        .updateTable('pull_requests')
        .set(values)
        .where('forge', '=', forge)
        .where('repository', '=', repository)
        .where('number', '=', number)
        .execute(),
    )
    return (result?.numUpdatedRows ?? 0n) > 0n
  }
  return {
    put: (pullRequest) => putPullRequest(state, of, pullRequest),
    async get(number) {
      const row = await rows().where('number', '=', number).executeTakeFirst()
      return row === undefined ? undefined : knownOf(row)
    },
    open: async () => (await rows().where('state', '=', 'open').orderBy('number').execute()).map(knownOf),
    async list({ limit, state: wanted }) {
      let query = rows().orderBy('number', 'desc').limit(limit)
      if (wanted !== undefined) query = query.where('state', '=', wanted)
      return (await query.execute()).map(knownOf)
    },
    async close(number, newState) {
      await change(number, { state: newState, closed_after_run: newestRunOf(number) })
    },
    async prune(before) {
      const result = await state.relaxedTransaction((db) =>
        db
          .deleteFrom('pull_requests')
          .where('state', '!=', 'open')
          .where('updated_at', '<', before.toISOString())
          .executeTakeFirst(),
      )
      return Number(result.numDeletedRows)
    },
    async noteLabel(number) {
      await change(number, { labelled: 1 })
    },
    approve: (number, commit, by) => change(number, { approved_commit: commit, approved_by: by }),
  }
}

async function putPullRequest(
  state: State,
  { forge, repository }: RepositoryAtForge,
  pullRequest: NewsOfPullRequest,
): Promise<void> {
  const { number, state: newState, title, author, head, headCommit, base, fromFork, updatedAt } = pullRequest
  const { labelled, headApprovedBy } = pullRequest
  const values = {
    state: newState,
    title,
    author,
    head,
    head_commit: headCommit,
    base,
    from_fork: fromFork ? 1 : 0,
    updated_at: updatedAt.toISOString(),
    ...(labelled === undefined ? {} : { labelled: labelled ? 1 : 0 }),
    ...(headApprovedBy === undefined ? {} : { approved_commit: headCommit, approved_by: headApprovedBy }),
  }
  const isOver = newState !== 'open'
  await state.transaction((db) =>
    db
      .insertInto('pull_requests')
      .values({ forge, repository, number, approved_commit: null, approved_by: null, ...values })
      .onConflict((conflict) =>
        conflict
          .columns(['forge', 'repository', 'number'])
          .doUpdateSet({
            ...values,
            // Some news name who did something, not who opened it.
            ...(author === '' ? { author: sql<string>`pull_requests.author` } : {}),
            ...(isOver ? { closed_after_run: newestRunOf(number) } : {}),
          })
          .where((row) =>
            row.or([
              row('pull_requests.updated_at', '<', values.updated_at),
              // Of one moment, that it is over is the last word.
              row.and([
                row('pull_requests.updated_at', '=', values.updated_at),
                row('pull_requests.state', '=', 'open'),
              ]),
            ]),
          ),
      )
      .execute(),
  )
}

/** As an expression, so that no run comes in between. */
function newestRunOf(pullRequest: number): RawBuilder<number> {
  return sql<number>`(select coalesce(max(id), 0) from runs where pull_request = ${pullRequest})`
}

function knownOf(row: Selectable<Tables['pull_requests']>): KnownPullRequest {
  return {
    number: row.number,
    state: row.state,
    title: row.title,
    author: row.author,
    head: row.head,
    headCommit: row.head_commit,
    base: row.base,
    fromFork: row.from_fork === 1,
    approvedCommit: row.approved_commit ?? undefined,
    approvedBy: row.approved_by ?? undefined,
    isLabelled: row.labelled === 1,
    closedAfterRun: row.closed_after_run,
    updatedAt: new Date(row.updated_at),
  }
}
