import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { LarderError } from '../../../core/index.ts'
import { forges, type Forge, type HookHeaders, type RawDelivery } from '../../../forge/index.ts'
import type { Delivery } from '../../controller.ts'
import type { ApiApp } from '../api/api-app.ts'
import type { HttpContext } from '../options.ts'
import { RefusalLimit } from '../refusal-limit.ts'
import { readHookBody } from './hook-body.ts'

/** `/hooks/<forge>`: verified over the raw bytes, durable before 2xx, the same delivery once. */
export async function addHooks(app: ApiApp, context: HttpContext): Promise<void> {
  const { limits } = context
  await app.register(async (hooks: ApiApp) => {
    const refusals = new RefusalLimit(context.clock, limits.refusedHooksPerMinute)
    hooks.addHook('onRequest', async (request) => {
      refusals.check(request.ip)
      refuseTooLarge(request, limits.hookBytes)
    })
    hooks.addHook('onResponse', async (request, reply) => {
      if (reply.statusCode >= 400 && reply.statusCode < 500) refusals.refused(request.ip)
    })
    // What is sent without saying how much it is.
    hooks.setErrorHandler((error: FastifyError) => {
      throw error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? tooLarge(limits.hookBytes) : error
    })
    // Every content type arrives as the bytes that were signed.
    hooks.removeAllContentTypeParsers()
    hooks.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limits.hookBytes }, (_request, body, done) => {
      done(null, body)
    })
    hooks.post<{ Params: { forge: string } }>(
      '/hooks/:forge',
      { schema: { hide: true }, bodyLimit: limits.hookBytes },
      (request, reply) => acceptDelivery(request, reply, context),
    )
  })
}

/** Before a byte of it is read. */
function refuseTooLarge(request: FastifyRequest, mostBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) <= mostBytes) return
  throw tooLarge(mostBytes)
}

function tooLarge(mostBytes: number): LarderError {
  return new LarderError('HOOK_TOO_LARGE', {
    message: `The delivery is larger than ${mostBytes} bytes.`,
    hint: 'Nothing that Larder acts on is that large: choose fewer events in the settings of the hook.',
  })
}

type HookRequest = FastifyRequest<{ Params: { forge: string } }>

async function acceptDelivery(request: HookRequest, reply: FastifyReply, context: HttpContext): Promise<unknown> {
  const { forge, secrets } = expectedHooks(context, request.params.forge)
  const headers = headersOf(request)
  refuseOthers(forge, headers)
  const known = secrets().filter((secret) => secret !== '')
  if (known.length === 0) {
    throw new LarderError('HOOK_SECRET_MISSING', {
      message: `No secret is configured for deliveries of ${forge.title}, so this one cannot be believed.`,
      hint: 'Put the secret of the hook into the file that controller.yaml names (secretsFile), and redeliver.',
    })
  }
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const delivery: RawDelivery = { headers, bytes, text: readHookBody(bytes, headers['content-type']) }
  if (!forge.verify(delivery, known, context.clock.now())) {
    throw new LarderError('HOOK_SIGNATURE_BAD', {
      message: 'The delivery is not signed with the secret of this hook.',
      hint: 'Set the same secret in the settings of the hook, and the content type application/json.',
    })
  }
  const answer = await context.controller.acceptDelivery(readDelivery(forge, delivery))
  return reply.status(answer.status === 'accepted' ? 202 : 200).send(answer)
}

/** Forgejo keeps the hooks of Gitea. */
function expectedHooks({ hooks }: HttpContext, name: string): NonNullable<HttpContext['hooks']> {
  const asked = name === 'forgejo' ? 'gitea' : name
  if (hooks?.forge.name === asked) return hooks
  const where = hooks === undefined ? 'No forge is configured' : `The site is at ${hooks.forge.title}`
  throw new LarderError('HOOK_FORGE_UNSUPPORTED', {
    message: `${where}, so no deliveries are taken here.`,
    hint: 'controller.yaml says where the site is: section forge.',
  })
}

/** A hook that was set up for another kind of forge is told so, rather than that its signature is wrong. */
function refuseOthers(forge: Forge, headers: HookHeaders): void {
  if (forge.recognizes(headers)) return
  const other = forges.find((one) => one.recognizes(headers))
  throw new LarderError('HOOK_MALFORMED', {
    message:
      other === undefined
        ? `The delivery has none of the headers of ${forge.title}.`
        : `The delivery is of ${other.title}, and this address is for ${forge.title}.`,
  })
}

/** A delivery that cannot be understood is refused now, where the person who set up the hook sees it. HOOK_MALFORMED. */
function readDelivery(forge: Forge, delivery: RawDelivery): Delivery {
  const { deliveryId, event } = forge.envelope(delivery)
  const { text } = delivery
  const meaning = forge.parse(event, text)
  return { forge: forge.name, repository: forge.repositoryOf(event, text), deliveryId, event, body: text, meaning }
}

function headersOf(request: FastifyRequest): HookHeaders {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
