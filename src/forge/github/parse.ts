import { z } from 'zod'
import { approvalLabel, readApproval } from '../approval.ts'
import type { ForgeEvent } from '../event.ts'
import { loginSchema, objectIdSchema, parsePayload, readPayload, timeSchema, titleSchema } from '../payload.ts'
import { isElsewhere, pullRequestOf } from '../pull-object.ts'
import { pushEvent, pushSchema } from '../push-event.ts'

/**
 * What a delivery of GitHub means. `name` is X-GitHub-Event, `body` the JSON text. Pure. HOOK_MALFORMED when it is
 * no payload of that event. Source: GitHub documentation, "Webhook events and payloads".
 */
export function parseGithubEvent(name: string, body: string): ForgeEvent {
  const payload = parsePayload(body)
  switch (name) {
    case 'push':
      return pushEvent(read(pushSchema, payload, name))
    case 'pull_request':
      return pullRequestEvent(read(pullRequestSchema, payload, name))
    case 'issue_comment':
      return commentEvent(read(commentSchema, payload, name))
    case 'ping':
      return { kind: 'ignored', reason: 'GitHub tried the hook: it works.' }
    default:
      return { kind: 'ignored', reason: `Nothing depends on the event ${name.slice(0, 100)}.` }
  }
}

/** `owner/name` of the repository that a payload is about; '' when it is about none. HOOK_MALFORMED. */
export function readGithubRepository(name: string, body: string): string {
  return read(repositorySchema, parsePayload(body), name).repository?.full_name ?? ''
}

const repositoryName = z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/)
const repositorySchema = z.object({ repository: z.object({ full_name: repositoryName }).nullish() })
const sideSchema = z.object({
  ref: z.string().max(300),
  sha: objectIdSchema,
  repo: z.object({ full_name: repositoryName }).nullish(),
})
const userSchema = z.object({ login: loginSchema }).nullish()
const pullRequestSchema = z.object({
  action: z.string(),
  number: z.number().int().positive(),
  label: z.object({ name: z.string() }).nullish(),
  sender: userSchema,
  pull_request: z.object({
    title: titleSchema,
    user: userSchema,
    updated_at: timeSchema,
    merged: z.boolean().nullish(),
    head: sideSchema,
    base: sideSchema,
  }),
})
type PullRequestPayload = z.infer<typeof pullRequestSchema>
const commentSchema = z.object({
  action: z.string(),
  issue: z.object({ number: z.number().int().positive(), pull_request: z.unknown().optional() }),
  comment: z.object({ body: z.string().nullish(), user: userSchema, author_association: z.string().nullish() }),
})

const actions: Readonly<Record<string, 'open' | 'update' | 'close'>> = {
  opened: 'open',
  reopened: 'open',
  ready_for_review: 'open',
  synchronize: 'update',
  edited: 'update',
  closed: 'close',
}

function pullRequestEvent(payload: PullRequestPayload): ForgeEvent {
  const action = Object.hasOwn(actions, payload.action) ? actions[payload.action] : undefined
  if (action !== undefined) return changeOf(payload, action)
  if (payload.action === 'labeled' && payload.label?.name.toLowerCase() === approvalLabel) {
    const { number, sender, pull_request: request } = payload
    // Who may set labels may not always merge: the forge is asked.
    return { kind: 'approval', number, by: sender?.login ?? '', mayApprove: undefined, commit: request.head.sha }
  }
  const reason = `Nothing depends on the action ${payload.action.slice(0, 100)} of a pull request.`
  return { kind: 'ignored', reason }
}

function changeOf(
  { number, pull_request: request }: PullRequestPayload,
  action: 'open' | 'update' | 'close',
): ForgeEvent {
  return {
    kind: 'pull-request',
    action,
    merged: action === 'close' && request.merged === true,
    ...pullRequestOf(number, request, isElsewhere(request)),
  }
}

function commentEvent({ action, issue, comment }: z.infer<typeof commentSchema>): ForgeEvent {
  const approval = action === 'created' ? readApproval(comment.body ?? '') : undefined
  const isOfPullRequest = issue.pull_request !== undefined && issue.pull_request !== null
  if (approval === undefined || !isOfPullRequest) {
    return { kind: 'ignored', reason: 'The comment says nothing to Larder.' }
  }
  return {
    kind: 'approval',
    number: issue.number,
    by: comment.user?.login ?? '',
    // Collaborators and members may have the right to read alone.
    mayApprove: comment.author_association === 'OWNER',
    commit: approval.commit,
  }
}

function read<T>(schema: z.ZodType<T>, payload: unknown, event: string): T {
  return readPayload(schema, payload, { event, title: 'GitHub' })
}
