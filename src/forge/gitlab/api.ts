import { z } from 'zod'
import { isLarderError } from '../../core/index.ts'
import { cutLine } from '../api/cut-text.ts'
import { createExchange, type Exchange } from '../api/exchange.ts'
import { readAnswer } from '../api/read-answer.ts'
import { tokenOf } from '../api/token.ts'
import type { PullRequest } from '../event.ts'
import type { CommitStatus, ForgeApi, ForgeApiOptions } from '../forge.ts'
import { loginSchema, objectIdSchema, timeSchema, titleSchema } from '../payload.ts'
import { mergeRequestRef } from './merge-request-ref.ts'
import { createGitlabNotes } from './notes.ts'

const title = 'GitLab'

/** Source: GitLab documentation, "REST API": merge requests, commit statuses, notes, members. */
export function createGitlabApi({ url, repository, credentials, send, now }: ForgeApiOptions): ForgeApi {
  const token = tokenOf(credentials, title)
  const headers: Record<string, string> = token === undefined ? {} : { 'private-token': token }
  const exchange = createExchange({ title, url, headers: () => Promise.resolve(headers), send, now })
  const base = `/projects/${encodeURIComponent(repository)}`
  return {
    gitLogin: () => Promise.resolve(token === undefined ? undefined : { user: 'oauth2', password: token }),
    async openPullRequests(signal) {
      const items = await exchange.list(`${base}/merge_requests?state=opened`, signal)
      return items.flatMap((item) => pullRequestOf(readAnswer(mergeRequestSchema, item, title)) ?? [])
    },
    async mayApprove(login, signal) {
      const items = await exchange.list(`${base}/members/all?query=${encodeURIComponent(login)}`, signal)
      return items
        .map((item) => readAnswer(memberSchema, item, title))
        .some(
          ({ username, access_level: level, state }) =>
            username.toLowerCase() === login.toLowerCase() &&
            level >= maintainerLevel &&
            (state ?? 'active') === 'active',
        )
    },
    setStatus: (status, signal) => setStatus(exchange, base, status, signal),
    ...createGitlabNotes(exchange, base),
  }
}

/** Who may merge into a protected branch unless a project says otherwise. Source: GitLab documentation, "Members API". */
const maintainerLevel = 40

const mergeRequestSchema = z.object({
  iid: z.number().int().positive(),
  title: titleSchema,
  author: z.object({ username: loginSchema }).nullish(),
  updated_at: timeSchema,
  source_branch: z.string(),
  target_branch: z.string(),
  sha: objectIdSchema.nullish(),
  source_project_id: z.number().nullish(),
  target_project_id: z.number(),
})
const memberSchema = z.object({ username: z.string(), access_level: z.number(), state: z.string().nullish() })

/** Undefined: its branch is gone, or has no commit yet. */
function pullRequestOf(request: z.infer<typeof mergeRequestSchema>): PullRequest | undefined {
  if (request.sha === undefined || request.sha === null) return undefined
  return {
    number: request.iid,
    title: request.title,
    author: request.author?.username ?? '',
    head: request.source_branch,
    headCommit: request.sha,
    // The list has its number only.
    headRepository: undefined,
    base: request.target_branch,
    baseCommit: '',
    fromFork: request.source_project_id !== request.target_project_id,
    updatedAt: request.updated_at,
  }
}

const states = { pending: 'running', success: 'success', failure: 'failed', error: 'failed' } as const
const longestDescription = 255

async function setStatus(
  exchange: Exchange,
  base: string,
  { commit, name, state, title: line, url, pullRequest }: CommitStatus,
  signal: AbortSignal,
): Promise<void> {
  const body = { state: states[state], name, description: cutLine(line, longestDescription), target_url: url }
  const tell = (about: object): Promise<unknown> =>
    exchange.ask('POST', `${base}/statuses/${encodeURIComponent(commit)}`, signal, about)
  try {
    await tell(body).catch((error: unknown) => {
      // No branch of the project has what a fork proposes: it must be said where the commit is.
      if (!isRefusal(error, /References for commit/) || pullRequest === undefined) throw error
      return tell({ ...body, ref: mergeRequestRef(pullRequest) })
    })
  } catch (error) {
    // It says that already: GitLab takes a state that is under way once only.
    if (isRefusal(error, /Cannot transition status/) && state === 'pending') return
    throw error
  }
}

function isRefusal(error: unknown, said: RegExp): boolean {
  return isLarderError(error, 'FORGE_REFUSED') && said.test(error.message)
}
