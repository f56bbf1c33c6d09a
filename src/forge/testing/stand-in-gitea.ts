import { z } from 'zod'
import {
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

/** Gitea, and Forgejo. Source: Gitea's API description (Swagger), and its documentation, "Webhooks". */
export const giteaDialect: Dialect = {
  apiPath: '/api/v1',
  pageParameter: 'limit',
  authorization: (token) => ({ header: 'authorization', value: `token ${token}` }),
  answer,
  push: (world, { before, after, branch }) => ({
    event: 'push',
    value: { ref: `refs/heads/${branch}`, before, after, ...common(world, 'author') },
  }),
  pull: (world, pull, { action, by }) => ({
    event: { update: 'pull_request_sync', label: 'pull_request_label' }[action as string] ?? 'pull_request',
    value: { action: actions[action], number: pull.number, pull_request: pullOf(world, pull), ...common(world, by) },
  }),
  comment: (world, { id, author, text }, pull) => ({
    event: 'pull_request_comment',
    value: {
      action: 'created',
      is_pull: true,
      issue: { number: pull.number, title: pull.title, pull_request: { merged: false } },
      comment: { id, body: text, user: { login: author } },
      ...common(world, author),
    },
  }),
}

const actions: Readonly<Record<PullNews['action'], string>> = {
  open: 'opened',
  update: 'synchronized',
  close: 'closed',
  merge: 'closed',
  reopen: 'reopened',
  label: 'label_updated',
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
    user: { login: author },
    labels: labels.map((name) => ({ name })),
    updated_at: updatedAt.toISOString(),
    head: { label: branch, ref: branch, sha: headCommit, repo: { full_name: fork ?? world.name } },
    base: { label: 'main', ref: 'main', sha: baseCommit, repo: { full_name: world.name } },
  }
}

const statusSchema = z.strictObject({
  state: z.enum(['pending', 'success', 'error', 'failure', 'warning']),
  context: z.string().min(1).max(255),
  description: z.string().max(255),
  target_url: z.url(),
})
const commentSchema = z.strictObject({ body: z.string().min(1) })

function answer({ method, parts, body }: ApiRequest, world: StandInWorld): ApiReply | undefined {
  const [repos, owner, name, ...rest] = parts
  if (method === 'GET' && parts.join('/') === 'user') return { status: 200, body: { login: world.owner } }
  if (repos !== 'repos' || `${owner}/${name}` !== world.name) return undefined
  switch (`${method} ${routeOf(rest)}`) {
    case 'GET pulls':
      return list(world.pulls.filter(({ state }) => state === 'open').map((pull) => pullOf(world, pull)))
    case 'GET collaborators/*/permission': {
      if (!world.isTokenOfAdministrator) return { status: 403, body: { message: 'Only admins can query permissions' } }
      const permission = world.collaborators.get(rest[1] ?? '') ?? 'read'
      return { status: 200, body: { permission, role_name: permission, user: { login: rest[1] } } }
    }
    case 'POST statuses/*': {
      const { state, context, description, target_url: url } = statusSchema.parse(body)
      world.statuses.push({ commit: rest[1] ?? '', name: context, state, description, url })
      return { status: 201, body: { id: world.nextId(), status: state } }
    }
    // No pages: all of them, whatever is asked for.
    case 'GET issues/*/comments':
      return { status: 200, body: world.comments.filter(({ pull }) => String(pull) === rest[1]).map(commentOf) }
    case 'POST issues/*/comments': {
      const pull = pullNumbered(world, rest[1])
      if (pull === undefined) return undefined
      const comment = {
        id: world.nextId(),
        pull: pull.number,
        author: world.owner,
        text: commentSchema.parse(body).body,
      }
      world.comments.push(comment)
      return { status: 201, body: commentOf(comment) }
    }
    case 'PATCH issues/comments/*': {
      const comment = world.comments.find(({ id }) => String(id) === rest[2])
      if (comment === undefined) return undefined
      comment.text = commentSchema.parse(body).body
      return { status: 200, body: commentOf(comment) }
    }
    default:
      return undefined
  }
}

const list = (body: unknown[]): ApiReply => ({ status: 200, body, isList: true })

const commentOf = ({ id, author, text }: StandInComment): object => ({ id, body: text, user: { login: author } })
