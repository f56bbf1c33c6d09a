import { LarderError } from '../../../core/index.ts'
import { createPushGate, prepareBareRepository, type BackendRequest } from '../../../forge/index.ts'
import type { AdminToken } from '../admin-token.ts'
import type { ApiApp } from '../api/api-app.ts'
import { baseUrlOf } from '../base-url.ts'
import type { HttpContext } from '../options.ts'
import { GitEndpoint } from './git-endpoint.ts'

/**
 * `/git/site.git`: git's smart HTTP protocol. Fetching is open; pushing needs the admin token as the password. The
 * dumb protocol, which would show files of the repository as they lie, is not spoken.
 */
export async function addGitEndpoint(app: ApiApp, context: HttpContext, token: AdminToken): Promise<void> {
  const { siteRepository, controller, log, limits } = context
  if (siteRepository === undefined) return
  const { path: repository, mainBranch = 'main' } = siteRepository
  await prepareBareRepository(repository, { mainBranch, maxPushBytes: limits.pushBytes })
  const gate = await createPushGate({
    repository,
    mainBranch,
    check: (push, tell) => controller.checkPush(push, tell),
    pushed: (push, tell) => controller.pushed(push, tell),
    onFault: (error) => log.error('A push failed in a way that nobody foresaw.', { error }),
  })
  app.addHook('onClose', () => gate.close())
  const endpoint = new GitEndpoint(context, { repository, token, gate })

  await app.register(async (git: ApiApp) => {
    // Packs are streamed to git as they come.
    git.removeAllContentTypeParsers()
    git.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const hidden = { schema: { hide: true } }

    git.get('/git/site.git', hidden, (request, reply) => {
      const url = `${baseUrlOf(request, context.publicUrl)}/git/site.git`
      return reply.type('text/plain; charset=utf-8').send(`git clone ${url}\n`)
    })
    git.get('/git/site.git/info/refs', { ...hidden, exposeHeadRoute: false }, async (request, reply) => {
      const { service } = request.query as Record<string, unknown>
      await endpoint.answer(request, reply, { service: readService(service), step: 'info/refs' })
    })
    for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
      git.post(`/git/site.git/${service}`, hidden, async (request, reply) => {
        await endpoint.answer(request, reply, { service, step: service })
      })
    }
  })
}

function readService(asked: unknown): BackendRequest['service'] {
  if (asked === 'git-upload-pack' || asked === 'git-receive-pack') return asked
  throw new LarderError('USAGE', {
    message: 'Only the smart HTTP protocol is spoken here.',
    hint: 'Use git 1.6.6 or later.',
  })
}
