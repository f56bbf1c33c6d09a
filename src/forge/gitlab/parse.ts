import { z } from 'zod'
import { approvalLabel, readApproval } from '../approval.ts'
import type { ForgeEvent } from '../event.ts'
import { loginSchema, objectIdSchema, parsePayload, readPayload, timeSchema, titleSchema } from '../payload.ts'
import { pushEvent, pushSchema } from '../push-event.ts'

/**
 * What a delivery of GitLab means. `name` is X-Gitlab-Event (`Push Hook`), `body` the JSON text. Pure. HOOK_MALFORMED.
 * Source: GitLab documentation, "Webhook events".
 */
export function parseGitlabEvent(name: string, body: string): ForgeEvent {
  const payload = parsePayload(body)
  // A system hook names all of them by one header.
  const kind = name === 'System Hook' ? (read(kindSchema, payload, name).object_kind ?? '') : name
  switch (kind) {
    case 'Push Hook':
    case 'push':
      return pushEvent(read(pushSchema, payload, name))
    case 'Merge Request Hook':
    case 'merge_request':
      return mergeRequestEvent(read(mergeRequestSchema, payload, name))
    case 'Note Hook':
    case 'note':
      return noteEvent(read(noteSchema, payload, name))
    default:
      return { kind: 'ignored', reason: `Nothing depends on the event ${kind.slice(0, 100)}.` }
  }
}

/** `group/name` of the project that a payload is about; '' when it is about none. HOOK_MALFORMED. */
export function readGitlabRepository(name: string, body: string): string {
  return read(projectSchema, parsePayload(body), name).project?.path_with_namespace ?? ''
}

const projectPath = z.string().regex(/^[\w.-]{1,100}(?:\/[\w.-]{1,100}){1,20}$/)
const projectSchema = z.object({ project: z.object({ path_with_namespace: projectPath }).nullish() })
const kindSchema = z.object({ object_kind: z.string().nullish() })
const userSchema = z.object({ username: loginSchema }).nullish()
const sourceSchema = z.object({ path_with_namespace: projectPath }).nullish()
const mergeRequestSchema = z.object({
  user: userSchema,
  object_attributes: z.object({
    iid: z.number().int().positive(),
    title: titleSchema,
    action: z.string().nullish(),
    updated_at: timeSchema,
    source_branch: z.string().max(300),
    target_branch: z.string().max(300),
    source_project_id: z.number().nullish(),
    target_project_id: z.number(),
    source: sourceSchema,
    last_commit: z.object({ id: objectIdSchema }).nullish(),
    oldrev: z.string().nullish(),
  }),
  changes: z
    .object({
      labels: z
        .object({
          previous: z.array(z.object({ title: z.string() })),
          current: z.array(z.object({ title: z.string() })),
        })
        .nullish(),
    })
    .nullish(),
})
type MergeRequestPayload = z.infer<typeof mergeRequestSchema>
const noteSchema = z.object({
  user: userSchema,
  object_attributes: z.object({ note: z.string().nullish(), action: z.string().nullish() }),
  merge_request: z.object({ iid: z.number().int().positive() }).nullish(),
})

const actions: Readonly<Record<string, 'open' | 'update' | 'close'>> = {
  open: 'open',
  reopen: 'open',
  update: 'update',
  close: 'close',
  merge: 'close',
}

function mergeRequestEvent(payload: MergeRequestPayload): ForgeEvent {
  const { object_attributes: request, user } = payload
  const said = request.action ?? ''
  const commit = request.last_commit?.id
  if (said === 'update' && wasApproved(payload) && commit !== undefined) {
    return { kind: 'approval', number: request.iid, by: user?.username ?? '', mayApprove: undefined, commit }
  }
  const action = Object.hasOwn(actions, said) ? actions[said] : undefined
  if (action === undefined || commit === undefined) {
    return { kind: 'ignored', reason: `Nothing depends on the action ${said.slice(0, 100)} of a merge request.` }
  }
  const isFork = request.source_project_id !== request.target_project_id
  return {
    kind: 'pull-request',
    number: request.iid,
    action,
    merged: said === 'merge',
    title: request.title,
    // The payload names who did this; who opened it, the API knows.
    author: said === 'open' ? (user?.username ?? '') : '',
    head: request.source_branch,
    headCommit: commit,
    headRepository: request.source?.path_with_namespace,
    base: request.target_branch,
    baseCommit: '',
    fromFork: isFork,
    updatedAt: request.updated_at,
  }
}

function wasApproved({ changes }: MergeRequestPayload): boolean {
  const has = (labels: readonly { title: string }[]): boolean =>
    labels.some(({ title }) => title.toLowerCase() === approvalLabel)
  const labels = changes?.labels
  return labels !== undefined && labels !== null && has(labels.current) && !has(labels.previous)
}

function noteEvent({ user, object_attributes: note, merge_request: request }: z.infer<typeof noteSchema>): ForgeEvent {
  const isNew = note.action === undefined || note.action === null || note.action === 'create'
  const approval = isNew ? readApproval(note.note ?? '') : undefined
  if (approval === undefined || request === undefined || request === null) {
    return { kind: 'ignored', reason: 'The comment says nothing to Larder.' }
  }
  return {
    kind: 'approval',
    number: request.iid,
    by: user?.username ?? '',
    mayApprove: undefined,
    commit: approval.commit,
  }
}

function read<T>(schema: z.ZodType<T>, payload: unknown, event: string): T {
  return readPayload(schema, payload, { event, title: 'GitLab' })
}
