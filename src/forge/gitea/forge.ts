import { LarderError } from '../../core/index.ts'
import type { Forge, RawDelivery } from '../forge.ts'
import { createGiteaApi } from './api.ts'
import { parseGiteaEvent, readGiteaRepository } from './parse.ts'
import { signGitea } from './sign.ts'
import { verifyGitea } from './verify.ts'

/** Gitea, and Forgejo, which kept its hooks and its API. Source: Gitea documentation, "Webhooks", "API". */
export const giteaForge: Forge = {
  name: 'gitea',
  title: 'Gitea',
  recognizes: (headers) => headers['x-gitea-event'] !== undefined || headers['x-forgejo-event'] !== undefined,
  verify: verifyGitea,
  envelope,
  repositoryOf: readGiteaRepository,
  parse: parseGiteaEvent,
  sign: signGitea,
  withAction: (payload, action) => ({ ...payload, action }),
  pullRequestRef: (number) => `refs/pull/${number}/head`,
  api: createGiteaApi,
}

function envelope({ headers }: RawDelivery): { deliveryId: string; event: string } {
  const deliveryId = headers['x-forgejo-delivery'] ?? headers['x-gitea-delivery'] ?? ''
  const event = headers['x-forgejo-event'] ?? headers['x-gitea-event'] ?? ''
  if (/^[\w-]{1,100}$/.test(deliveryId) && /^\w{1,100}$/.test(event)) return { deliveryId, event }
  throw new LarderError('HOOK_MALFORMED', { message: 'X-Gitea-Delivery or X-Gitea-Event is missing or malformed.' })
}
