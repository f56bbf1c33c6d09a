import { LarderError } from '../../core/index.ts'
import type { Forge, RawDelivery } from '../forge.ts'
import { createGitlabApi } from './api.ts'
import { mergeRequestRef } from './merge-request-ref.ts'
import { parseGitlabEvent, readGitlabRepository } from './parse.ts'
import { signGitlab } from './sign.ts'
import { verifyGitlab } from './verify.ts'

/** GitLab. Source: GitLab documentation, "Webhooks", "REST API". */
export const gitlabForge: Forge = {
  name: 'gitlab',
  title: 'GitLab',
  recognizes: (headers) => headers['x-gitlab-event'] !== undefined,
  verify: verifyGitlab,
  envelope,
  repositoryOf: readGitlabRepository,
  parse: parseGitlabEvent,
  sign: signGitlab,
  withAction,
  pullRequestRef: mergeRequestRef,
  api: createGitlabApi,
}

/** Older ones number only what they send again: X-Gitlab-Event-UUID is of the event, Idempotency-Key of the delivery. */
function envelope({ headers }: RawDelivery): { deliveryId: string; event: string } {
  const deliveryId = headers['idempotency-key'] ?? headers['webhook-id'] ?? headers['x-gitlab-event-uuid'] ?? ''
  const event = headers['x-gitlab-event'] ?? ''
  if (/^[\w-]{1,100}$/.test(deliveryId) && /^[\w ]{1,100}$/.test(event)) return { deliveryId, event }
  throw new LarderError('HOOK_MALFORMED', {
    message:
      'X-Gitlab-Event, or what numbers the delivery (Idempotency-Key, X-Gitlab-Event-UUID), is missing or malformed.',
  })
}

/** Below what the event is about. */
function withAction(payload: Readonly<Record<string, unknown>>, action: string): object {
  const attributes = payload['object_attributes']
  return { ...payload, object_attributes: { ...(typeof attributes === 'object' ? attributes : {}), action } }
}
