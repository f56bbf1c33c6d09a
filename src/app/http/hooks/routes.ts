import type { FastifyReply, FastifyRequest } from 'fastify'
import { LarderError } from '../../../core/index.ts'
import { parseGithubEvent, readGithubRepository, verifyGithubSignature } from '../../../forge/index.ts'
import type { Delivery } from '../../controller.ts'
import type { ApiApp } from '../api/api-app.ts'
import type { HttpContext } from '../options.ts'
import { limitPerSource } from '../rate-limit.ts'
import { readHookBody } from './hook-body.ts'

/** `/hooks/github`: verified over the raw bytes, durable before 2xx, the same delivery once. */
export async function addHooks(app: ApiApp, context: HttpContext): Promise<void> {
  const { limits } = context
  await app.register(async (hooks: ApiApp) => {
    await limitPerSource(hooks, limits.hooksPerMinute)
    // Every content type arrives as the bytes that were signed.
    hooks.removeAllContentTypeParsers()
    hooks.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limits.hookBytes }, (_request, body, done) => {
      done(null, body)
    })
    hooks.post('/hooks/github', { schema: { hide: true }, bodyLimit: limits.hookBytes }, (request, reply) =>
      acceptGithub(request, reply, context),
    )
    hooks.post('/hooks/:forge', { schema: { hide: true } }, () => {
      throw unsupported('This forge has no hook here yet.')
    })
  })
}

async function acceptGithub(request: FastifyRequest, reply: FastifyReply, context: HttpContext): Promise<unknown> {
  // Gitea and Forgejo send GitHub's headers too, and sign with an empty secret when none is set: looked for first.
  if (Object.keys(request.headers).some((name) => /^x-(?:gitea|forgejo|gogs)-/.test(name))) {
    throw unsupported('This delivery comes from Gitea, Forgejo or Gogs, and /hooks/github is for GitHub.')
  }
  const secrets = (context.githubSecrets?.() ?? []).filter((secret) => secret !== '')
  if (secrets.length === 0) {
    throw new LarderError('HOOK_SECRET_MISSING', {
      message: 'No secret is configured for deliveries of GitHub, so this one cannot be believed.',
      hint: 'Give the secret of the hook to larder up, and redeliver.',
    })
  }
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  if (!verifyGithubSignature(bytes, headerOf(request, 'x-hub-signature-256'), secrets)) {
    throw new LarderError('HOOK_SIGNATURE_BAD', {
      message: 'The delivery is not signed with the secret of this hook.',
      hint: 'Set the same secret in the settings of the hook, and the content type application/json.',
    })
  }
  const delivery = readDelivery(request, bytes)
  const answer = await context.controller.acceptDelivery(delivery)
  return reply.status(answer.status === 'accepted' ? 202 : 200).send(answer)
}

/** A delivery that cannot be understood is refused now, where the person who set up the hook sees it. HOOK_MALFORMED. */
function readDelivery(request: FastifyRequest, bytes: Buffer): Delivery {
  const deliveryId = headerOf(request, 'x-github-delivery') ?? ''
  const event = headerOf(request, 'x-github-event') ?? ''
  if (!/^[\w-]{1,100}$/.test(deliveryId) || !/^\w{1,100}$/.test(event)) {
    throw new LarderError('HOOK_MALFORMED', {
      message: 'X-GitHub-Delivery or X-GitHub-Event is missing or malformed.',
    })
  }
  const body = readHookBody(bytes, headerOf(request, 'content-type'))
  parseGithubEvent(event, body)
  return { forge: 'github', repository: readGithubRepository(event, body), deliveryId, event, body }
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function unsupported(message: string): LarderError {
  return new LarderError('HOOK_FORGE_UNSUPPORTED', {
    message,
    hint: 'Until then: push to the built-in Git endpoint, /git/site.git, from a mirror or a job of the forge.',
  })
}
