import type { FastifyReply } from 'fastify'
import { LarderError } from '../../core/index.ts'
import { badgeAnswer } from '../../oci/index.ts'
import type { ApiApp } from './api/api-app.ts'
import type { HttpContext } from './options.ts'

/** `/badge/<image>.svg` and `/badge/<image>.json` for shields; `/keys/images.pub`, what images are signed with. */
export function addBadges(app: ApiApp, { controller }: HttpContext): void {
  const hidden = { schema: { hide: true } }
  app.get<{ Params: { '*': string } }>('/badge/*', hidden, async (request, reply): Promise<FastifyReply> => {
    const [, name, format] = /^(.{1,255})\.(svg|json)$/.exec(request.params['*']) ?? []
    if (name === undefined) {
      throw new LarderError('NOT_FOUND', {
        message: 'This is no address of a badge.',
        hint: 'Ask for /badge/<image>.svg, or /badge/<image>.json for shields.',
      })
    }
    const state = await controller.badge(name)
    const ifNoneMatch = request.headers['if-none-match']
    const answer = badgeAnswer({ state, format: format === 'svg' ? 'svg' : 'json', ifNoneMatch })
    return reply.status(answer.status).headers(answer.headers).send(answer.body)
  })
  app.get('/keys/images.pub', hidden, async (_request, reply): Promise<FastifyReply> => {
    const key = await controller.imageKey()
    return reply.header('cache-control', 'no-cache').type('application/x-pem-file').send(key)
  })
}
