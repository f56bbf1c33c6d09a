import { LarderError } from '../../core/index.ts'
import type { Forge, RawDelivery } from '../forge.ts'
import { createGithubApi } from './api.ts'
import { parseGithubEvent, readGithubRepository } from './parse.ts'
import { signGithub } from './sign.ts'
import { verifyGithubSignature } from './verify.ts'

/** GitHub, as a service or on a server of one's own. Source: GitHub documentation, "Webhooks" and "REST API". */
export const githubForge: Forge = {
  name: 'github',
  title: 'GitHub',
  // Gitea and Forgejo send GitHub's headers too.
  recognizes: (headers) =>
    headers['x-github-event'] !== undefined &&
    !Object.keys(headers).some((name) => /^x-(?:gitea|forgejo|gogs)-/.test(name)),
  verify: ({ bytes, headers }, secrets) => verifyGithubSignature(bytes, headers['x-hub-signature-256'], secrets),
  envelope,
  repositoryOf: readGithubRepository,
  parse: parseGithubEvent,
  sign: signGithub,
  withAction: (payload, action) => ({ ...payload, action }),
  pullRequestRef: (number) => `refs/pull/${number}/head`,
  api: createGithubApi,
}

function envelope({ headers }: RawDelivery): { deliveryId: string; event: string } {
  const deliveryId = headers['x-github-delivery'] ?? ''
  const event = headers['x-github-event'] ?? ''
  if (/^[\w-]{1,100}$/.test(deliveryId) && /^\w{1,100}$/.test(event)) return { deliveryId, event }
  throw new LarderError('HOOK_MALFORMED', {
    message: 'X-GitHub-Delivery or X-GitHub-Event is missing or malformed.',
  })
}
