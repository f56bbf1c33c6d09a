import { z } from 'zod'
import { approvalLabel, readApproval } from '../approval.ts'
import type { ForgeEvent } from '../event.ts'
import { loginSchema, parsePayload, readPayload, timeSchema, titleSchema } from '../payload.ts'
import { pullRequestOf } from '../pull-object.ts'
import { pushEvent, pushSchema } from '../push-event.ts'
import { isFromFork } from './from-fork.ts'

/**
 * What a delivery of Gitea or Forgejo means. `name` is X-Gitea-Event, `body` the JSON text. Pure. HOOK_MALFORMED.
 * Source: Gitea documentation, "Webhooks"; its API description for the objects within.
 */
export function parseGiteaEvent(name: string, body: string): ForgeEvent {
  const payload = parsePayload(body)
  switch (name) {
    case 'push':
      return pushEvent(read(pushSchema, payload, name))
    case 'pull_request':
    case 'pull_request_sync':
    case 'pull_request_label':
      return pullRequestEvent(read(pullRequestSchema, payload, name))
    case 'issue_comment':
    case 'pull_request_comment':
      return commentEvent(read(commentSchema, payload, name))
    default:
      return { kind: 'ignored', reason: `Nothing depends on the event ${name.slice(0, 100)}.` }
  }
}

/** `owner/name` of the repository that a payload is about; '' when it is about none. HOOK_MALFORMED. */
export function readGiteaRepository(name: string, body: string): string {
  return read(repositorySchema, parsePayload(body), name).repository?.full_name ?? ''
}

const repositoryName = z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/)
const repositorySchema = z.object({ repository: z.object({ full_name: repositoryName }).nullish() })
const sideSchema = z.object({
  ref: z.string().max(300),
  sha: z.string().max(64),
  repo: z.object({ full_name: repositoryName }).nullish(),
})
const userSchema = z.object({ login: loginSchema }).nullish()
const labelsSchema = z.array(z.object({ name: z.string() })).nullish()
const pullRequestSchema = z.object({
  action: z.string(),
  number: z.number().int().positive(),
  sender: userSchema,
  pull_request: z.object({
    title: titleSchema,
    user: userSchema,
    updated_at: timeSchema,
    merged: z.boolean().nullish(),
    labels: labelsSchema,
    head: sideSchema,
    base: sideSchema,
  }),
})
type PullRequestPayload = z.infer<typeof pullRequestSchema>
const commentSchema = z.object({
  action: z.string(),
  is_pull: z.boolean().nullish(),
  issue: z.object({ number: z.number().int().positive(), pull_request: z.unknown().optional() }).nullish(),
  comment: z.object({ body: z.string().nullish(), user: userSchema }).nullish(),
})

const actions: Readonly<Record<string, 'open' | 'update' | 'close'>> = {
  opened: 'open',
  reopened: 'open',
  synchronized: 'update',
  synchronize: 'update',
  edited: 'update',
  // Without the label, or it would be an approval.
  label_updated: 'update',
  label_cleared: 'update',
  closed: 'close',
}

function pullRequestEvent(payload: PullRequestPayload): ForgeEvent {
  const { number, action: said, pull_request: request, sender } = payload
  const isApproved = request.labels?.some(({ name }) => name.toLowerCase() === approvalLabel) === true
  if (said === 'label_updated' && isApproved) {
    const commit = request.head.sha
    return { kind: 'approval', number, by: sender?.login ?? '', mayApprove: undefined, labelled: true, commit }
  }
  const action = Object.hasOwn(actions, said) ? actions[said] : undefined
  if (action === undefined) {
    return { kind: 'ignored', reason: `Nothing depends on the action ${said.slice(0, 100)} of a pull request.` }
  }
  return {
    kind: 'pull-request',
    action,
    merged: action === 'close' && request.merged === true,
    labelled: isApproved,
    ...pullRequestOf(number, request, isFromFork(request)),
  }
}

function commentEvent({ action, is_pull: isPull, issue, comment }: z.infer<typeof commentSchema>): ForgeEvent {
  const approval = action === 'created' ? readApproval(comment?.body ?? '') : undefined
  const isOfPullRequest = isPull === true || (issue?.pull_request !== undefined && issue.pull_request !== null)
  if (approval === undefined || !isOfPullRequest || issue === undefined || issue === null) {
    return { kind: 'ignored', reason: 'The comment says nothing to Larder.' }
  }
  const by = comment?.user?.login ?? ''
  return { kind: 'approval', number: issue.number, by, mayApprove: undefined, commit: approval.commit }
}

function read<T>(schema: z.ZodType<T>, payload: unknown, event: string): T {
  return readPayload(schema, payload, { event, title: 'Gitea' })
}
