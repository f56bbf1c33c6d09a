import { z } from 'zod'
import {
  latestStatus,
  pullNumbered,
  routeOf,
  type ApiReply,
  type ApiRequest,
  type Dialect,
  type PullNews,
  type StandInComment,
  type StandInPull,
  type StandInWorld,
} from './stand-in-world.ts'

/** Source: GitLab documentation, "REST API" and "Webhook events". */
export const gitlabDialect: Dialect = {
  apiPath: '/api/v4',
  pageParameter: 'per_page',
  authorization: (token) => ({ header: 'private-token', value: token }),
  answer,
  push: (world, { before, after, branch }) => ({
    event: 'Push Hook',
    value: { object_kind: 'push', ref: `refs/heads/${branch}`, before, after, ...common(world, 'author') },
  }),
  pull: (world, pull, { action, by }) => ({
    event: 'Merge Request Hook',
    value: {
      object_kind: 'merge_request',
      ...common(world, by),
      object_attributes: { ...attributesOf(world, pull), action: actions[action] },
      ...(action === 'label' ? { changes: labelChange(pull) } : {}),
    },
  }),
  comment: (world, { id, author, text }, pull) => ({
    event: 'Note Hook',
    value: {
      object_kind: 'note',
      ...common(world, author),
      object_attributes: { id, note: text, noteable_type: 'MergeRequest', action: 'create' },
      merge_request: { iid: pull.number, title: pull.title },
    },
  }),
}

const actions: Readonly<Record<PullNews['action'], string>> = {
  open: 'open',
  update: 'update',
  close: 'close',
  merge: 'merge',
  reopen: 'reopen',
  label: 'update',
}

const ownProject = 1
const forkProject = 2

function common(world: StandInWorld, username: string): object {
  return { project: { id: ownProject, path_with_namespace: world.name }, user: { username } }
}

function attributesOf(world: StandInWorld, pull: StandInPull): object {
  const { number, title, branch, headCommit, fork, state, updatedAt } = pull
  return {
    iid: number,
    title,
    state: state === 'open' ? 'opened' : state,
    updated_at: updatedAt.toISOString(),
    source_branch: branch,
    target_branch: 'main',
    source_project_id: fork === undefined ? ownProject : forkProject,
    target_project_id: ownProject,
    source: { path_with_namespace: fork ?? world.name },
    last_commit: { id: headCommit },
  }
}

function labelChange({ labels }: StandInPull): object {
  const titles = labels.map((title) => ({ title }))
  return { labels: { previous: titles.slice(0, -1), current: titles } }
}

function requestOf(world: StandInWorld, pull: StandInPull): object {
  return { ...attributesOf(world, pull), sha: pull.headCommit, author: { username: pull.author }, labels: pull.labels }
}

const levels = { read: 20, write: 30, admin: 40 } as const
const statusSchema = z.strictObject({
  state: z.enum(['pending', 'running', 'success', 'failed', 'canceled']),
  name: z.string().min(1).max(255),
  description: z.string().max(255),
  target_url: z.url().max(255),
  ref: z.string().max(255).optional(),
})
const noteSchema = z.strictObject({ body: z.string().min(1).max(1_000_000) })

function answer({ method, parts, query, body }: ApiRequest, world: StandInWorld): ApiReply | undefined {
  const [projects, project, ...rest] = parts
  if (method === 'GET' && parts.join('/') === 'user') return { status: 200, body: { username: world.owner } }
  if (projects !== 'projects' || project !== world.name) return undefined
  const pull = pullNumbered(world, rest[1])
  switch (`${method} ${routeOf(rest)}`) {
    case 'GET merge_requests':
      return list(world.pulls.filter(({ state }) => state === 'open').map((one) => requestOf(world, one)))
    case 'GET members/all': {
      const wanted = query.get('query') ?? ''
      const members = [...world.collaborators].filter(([username]) => username.includes(wanted))
      return list(members.map(([username, level]) => ({ username, access_level: levels[level], state: 'active' })))
    }
    case 'POST statuses/*':
      return takeStatus(world, rest[1] ?? '', statusSchema.parse(body))
    case 'GET merge_requests/*/notes':
      return list(world.comments.filter((comment) => comment.pull === pull?.number).map(noteOf))
    case 'POST merge_requests/*/notes': {
      if (pull === undefined) return undefined
      const { body: text } = noteSchema.parse(body)
      const comment = { id: world.nextId(), pull: pull.number, author: world.owner, text }
      world.comments.push(comment)
      return { status: 201, body: noteOf(comment) }
    }
    case 'PUT merge_requests/*/notes/*': {
      const comment = world.comments.find(({ id }) => String(id) === rest[3])
      if (comment === undefined) return undefined
      comment.text = noteSchema.parse(body).body
      return { status: 200, body: noteOf(comment) }
    }
    default:
      return undefined
  }
}

const list = (body: unknown[]): ApiReply => ({ status: 200, body, isList: true })

const noteOf = ({ id, author, text }: StandInComment): object => ({ id, body: text, author: { username: author } })

/** Of a commit that no branch has, it must be said where it is; what is under way may not be said to begin again. */
function takeStatus(
  world: StandInWorld,
  commit: string,
  { state, name, description, target_url: url, ref }: z.infer<typeof statusSchema>,
): ApiReply {
  const isOfFork = world.pulls.some(({ fork, headCommit }) => fork !== undefined && headCommit === commit)
  if (isOfFork && ref === undefined) return { status: 404, body: { message: '404 References for commit Not Found' } }
  if (state === 'running' && latestStatus(world, commit, name)?.state === 'running') {
    const message = 'Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")'
    return { status: 400, body: { message } }
  }
  world.statuses.push({ commit, name, state, description, url })
  return { status: 201, body: { id: world.nextId(), status: state } }
}
