import { z } from 'zod'
import { LarderError } from '../../core/index.ts'
import type { ForgeEvent } from '../event.ts'
import { isNullId, isObjectId } from '../git/ref-name.ts'

/**
 * What a delivery of GitHub means. `name` is X-GitHub-Event, `body` the JSON text. Pure. HOOK_MALFORMED when it is
 * no payload of that event. Source: GitHub documentation, "Webhook events and payloads".
 */
export function parseGithubEvent(name: string, body: string): ForgeEvent {
  const payload = parseJson(body)
  switch (name) {
    case 'push':
      return pushEvent(read(pushSchema, payload, name))
    case 'pull_request':
      return pullRequestEvent(read(pullRequestSchema, payload, name))
    case 'ping':
      return { kind: 'ignored', reason: 'GitHub tried the hook: it works.' }
    default:
      return { kind: 'ignored', reason: `Nothing depends on the event ${name.slice(0, 100)}.` }
  }
}

/** `owner/name` of the repository that a payload is about; '' when it is about none. HOOK_MALFORMED. */
export function readGithubRepository(name: string, body: string): string {
  return read(repositorySchema, parseJson(body), name).repository?.full_name ?? ''
}

const objectId = z.string().refine(isObjectId, 'a full commit id')
const repositoryName = z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/)
const repositorySchema = z.object({ repository: z.object({ full_name: repositoryName }).optional() })
const pushSchema = z.object({ ref: z.string().max(300), after: objectId, deleted: z.boolean().optional() })
const sideSchema = z.object({
  ref: z.string().max(300),
  sha: objectId,
  repo: z.object({ full_name: repositoryName }).nullish(),
})
const pullRequestSchema = z.object({
  action: z.string(),
  number: z.number().int().positive(),
  pull_request: z.object({
    title: z.string().nullish(),
    user: z.object({ login: z.string() }).nullish(),
    merged: z.boolean().nullish(),
    updated_at: z.string().max(40).nullish(),
    head: sideSchema,
    base: sideSchema,
  }),
})

function pushEvent({ ref, after, deleted }: z.infer<typeof pushSchema>): ForgeEvent {
  if (!ref.startsWith('refs/heads/')) return { kind: 'ignored', reason: `${ref} is no branch.` }
  const branch = ref.slice('refs/heads/'.length)
  if (deleted === true || isNullId(after)) return { kind: 'ignored', reason: `Branch ${branch} was deleted.` }
  return { kind: 'push', branch, commit: after }
}

const actions: Readonly<Record<string, 'open' | 'update' | 'close'>> = {
  opened: 'open',
  reopened: 'open',
  ready_for_review: 'open',
  synchronize: 'update',
  edited: 'update',
  closed: 'close',
}

function pullRequestEvent(payload: z.infer<typeof pullRequestSchema>): ForgeEvent {
  const { number, pull_request: request } = payload
  const { head, base } = request
  const action = Object.hasOwn(actions, payload.action) ? actions[payload.action] : undefined
  if (action === undefined) {
    const reason = `Nothing depends on the action ${payload.action.slice(0, 100)} of a pull request.`
    return { kind: 'ignored', reason }
  }
  const headRepository = head.repo?.full_name
  return {
    kind: 'pull-request',
    number,
    title: request.title ?? '',
    author: request.user?.login ?? '',
    updatedAt: new Date(request.updated_at ?? 0),
    action,
    merged: action === 'close' && request.merged === true,
    head: head.ref,
    headCommit: head.sha,
    headRepository,
    base: base.ref,
    baseCommit: base.sha,
    fromFork: headRepository === undefined || headRepository !== base.repo?.full_name,
  }
}

function read<T>(schema: z.ZodType<T>, payload: unknown, name: string): T {
  const result = schema.safeParse(payload)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new LarderError('HOOK_MALFORMED', {
    message: `The payload of ${JSON.stringify(name.slice(0, 100))} is not as GitHub documents it: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  })
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new LarderError('HOOK_MALFORMED', {
      message: 'The body of the delivery is no JSON.',
      hint: 'In the settings of the hook, choose the content type application/json.',
      cause,
    })
  }
}
