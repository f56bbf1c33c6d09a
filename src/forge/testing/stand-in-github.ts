import { z } from 'zod'
import {
  pullNumbered,
  routeOf,
  type ApiReply,
  type ApiRequest,
  type Dialect,
  type PullNews,
  type StandInCheckRun,
  type StandInPull,
  type StandInWorld,
} from './stand-in-world.ts'

/** Source: GitHub documentation, "REST API" and "Webhook events and payloads". */
export const githubDialect: Dialect = {
  apiPath: '/api/v3',
  pageParameter: 'per_page',
  authorization: (token) => ({ header: 'authorization', value: `Bearer ${token}` }),
  answer,
  push: (world, { before, after, branch }) => ({
    event: 'push',
    value: { ref: `refs/heads/${branch}`, before, after, ...common(world, 'author') },
  }),
  pull: (world, pull, { action, by }) => ({
    event: 'pull_request',
    value: {
      action: actions[action],
      number: pull.number,
      pull_request: pullOf(world, pull),
      ...(action === 'label' ? { label: { name: pull.labels.at(-1) } } : {}),
      ...common(world, by),
    },
  }),
  comment: (world, { id, author, text }, pull) => ({
    event: 'issue_comment',
    value: {
      action: 'created',
      issue: { number: pull.number, title: pull.title, state: 'open', pull_request: { url: '' } },
      comment: { id, body: text, user: { login: author }, author_association: associationOf(world, author) },
      ...common(world, author),
    },
  }),
}

const actions: Readonly<Record<PullNews['action'], string>> = {
  open: 'opened',
  update: 'synchronize',
  close: 'closed',
  merge: 'closed',
  reopen: 'reopened',
  label: 'labeled',
}

function associationOf({ collaborators }: StandInWorld, login: string): string {
  return collaborators.has(login) ? 'COLLABORATOR' : 'NONE'
}

function common(world: StandInWorld, login: string): object {
  return { repository: { id: 1, full_name: world.name, default_branch: 'main' }, sender: { login } }
}

function pullOf(world: StandInWorld, pull: StandInPull): object {
  const { number, title, author, branch, headCommit, baseCommit, fork, state, labels, updatedAt } = pull
  return {
    number,
    title,
    state: state === 'open' ? 'open' : 'closed',
    merged: state === 'merged',
    user: { login: author, type: 'User' },
    labels: labels.map((name) => ({ name })),
    updated_at: `${updatedAt.toISOString().slice(0, 19)}Z`,
    head: { ref: branch, sha: headCommit, repo: { full_name: fork ?? world.name } },
    base: { ref: 'main', sha: baseCommit, repo: { full_name: world.name } },
  }
}

const annotationSchema = z.strictObject({
  path: z.string().min(1),
  start_line: z.number().int().positive(),
  end_line: z.number().int().positive(),
  start_column: z.number().int().positive().optional(),
  end_column: z.number().int().positive().optional(),
  annotation_level: z.enum(['notice', 'warning', 'failure']),
  message: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= 64 * 1024),
})
const checkRunSchema = z.strictObject({
  name: z.string().min(1),
  head_sha: z.string().regex(/^[0-9a-f]{40}$/),
  details_url: z.url().optional(),
  status: z.enum(['queued', 'in_progress', 'completed']).optional(),
  conclusion: z.enum(['success', 'failure', 'neutral', 'cancelled', 'action_required']).optional(),
  output: z
    .strictObject({
      title: z.string().min(1).max(255),
      summary: z.string().refine((text) => Buffer.byteLength(text) <= 65_535, 'at most 65535 bytes'),
      annotations: z.array(annotationSchema).max(50).optional(),
    })
    .optional(),
})
const statusSchema = z.strictObject({
  state: z.enum(['error', 'failure', 'pending', 'success']),
  context: z.string().min(1).max(255),
  description: z.string().max(140, 'at most 140 characters'),
  target_url: z.url(),
})
const commentSchema = z.strictObject({ body: z.string().min(1).max(65_536) })

function answer({ method, parts, query, body }: ApiRequest, world: StandInWorld): ApiReply | undefined {
  const [repos, owner, name, ...rest] = parts
  if (method === 'GET' && parts.join('/') === 'user') return { status: 200, body: { login: world.owner, type: 'User' } }
  if (repos !== 'repos' || `${owner}/${name}` !== world.name) return undefined
  switch (`${method} ${routeOf(rest)}`) {
    case 'GET pulls':
      return list(world.pulls.filter(({ state }) => state === 'open').map((pull) => pullOf(world, pull)))
    case 'GET collaborators/*/permission': {
      const permission = world.collaborators.get(rest[1] ?? '') ?? 'read'
      return { status: 200, body: { permission, user: { login: rest[1] } } }
    }
    case 'POST statuses/*': {
      const { state, context, description, target_url: url } = statusSchema.parse(body)
      world.statuses.push({ commit: rest[1] ?? '', name: context, state, description, url })
      return { status: 201, body: { id: world.nextId(), state } }
    }
    case 'GET commits/*/check-runs':
      return { status: 200, body: latestCheckRuns(world, rest[1], query.get('check_name')) }
    case 'POST check-runs':
      return { status: 201, body: { id: createCheckRun(world, body).id } }
    case 'PATCH check-runs/*':
      return changeCheckRun(world, rest[1], body)
    case 'GET issues/*/comments':
      return list(world.comments.filter(({ pull }) => String(pull) === rest[1]).map((one) => commentOf(world, one)))
    case 'POST issues/*/comments': {
      const pull = pullNumbered(world, rest[1])
      if (pull === undefined) return undefined
      const { body: text } = commentSchema.parse(body)
      const comment = { id: world.nextId(), pull: pull.number, author: world.owner, text }
      world.comments.push(comment)
      return { status: 201, body: commentOf(world, comment) }
    }
    case 'PATCH issues/comments/*':
      return changeComment(world, rest[2], commentSchema.parse(body).body)
    default:
      return undefined
  }
}

const list = (body: unknown[]): ApiReply => ({ status: 200, body, isList: true })

function commentOf(world: StandInWorld, { id, author, text }: { id: number; author: string; text: string }): object {
  return { id, body: text, user: { login: author, type: author === world.owner ? 'Bot' : 'User' } }
}

function changeComment(world: StandInWorld, id: string | undefined, text: string): ApiReply | undefined {
  const comment = world.comments.find((one) => String(one.id) === id)
  if (comment === undefined) return undefined
  comment.text = text
  return { status: 200, body: commentOf(world, comment) }
}

function latestCheckRuns({ checkRuns }: StandInWorld, commit: string | undefined, name: string | null): object {
  const found = checkRuns.findLast((run) => run.commit === commit && run.name === name)
  if (found === undefined) return { total_count: 0, check_runs: [] }
  const { id, status, conclusion, annotations } = found
  const output = { annotations_count: annotations.length }
  return { total_count: 1, check_runs: [{ id, status, conclusion: conclusion ?? null, output }] }
}

function createCheckRun(world: StandInWorld, body: unknown): StandInCheckRun {
  const { name, head_sha: commit } = checkRunSchema.parse(body)
  const empty = { status: 'queued', conclusion: undefined, title: '', summary: '', url: '', annotations: [] }
  const run: StandInCheckRun = { id: world.nextId(), commit, name, ...empty }
  take(run, body)
  world.checkRuns.push(run)
  return run
}

function changeCheckRun(world: StandInWorld, id: string | undefined, body: unknown): ApiReply | undefined {
  const run = world.checkRuns.find((one) => String(one.id) === id)
  if (run === undefined) return undefined
  take(run, body)
  return { status: 200, body: { id: run.id } }
}

function take(run: StandInCheckRun, body: unknown): void {
  const { status = run.status, conclusion, details_url: url = run.url, output } = checkRunSchema.parse(body)
  Object.assign(run, { status: conclusion === undefined ? status : 'completed', conclusion, url })
  if (output === undefined) return
  Object.assign(run, { title: output.title, summary: output.summary })
  run.annotations.push(...(output.annotations ?? []))
}
