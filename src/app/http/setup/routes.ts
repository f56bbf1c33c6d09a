import { LarderError } from '../../../core/index.ts'
import type { ApiApp } from '../api/api-app.ts'
import { mirrorName } from '../api/parameters.ts'
import { baseUrlOf } from '../base-url.ts'
import type { HttpContext } from '../options.ts'
import { renderAptScript } from './apt-script.ts'

/** What a machine needs to become a client: `/setup/base` (a script), `/setup/base.sources`, `/keys/base.asc`. */
export function addSetup(app: ApiApp, { controller, publicUrl }: HttpContext): void {
  const hidden = { schema: { hide: true } }

  app.get<{ Params: { file: string } }>('/setup/:file', hidden, async (request, reply) => {
    const { name: mirror, extension } = splitName(request.params.file, ['.sources', ''])
    const baseUrl = baseUrlOf(request, publicUrl)
    const { deb822 } = await controller.clientSetup(mirror, baseUrl)
    reply.header('cache-control', 'no-cache')
    if (extension === '.sources') return reply.type('text/plain; charset=utf-8').send(deb822)
    const script = renderAptScript({ mirror, url: `${baseUrl}/setup/${mirror}`, deb822 })
    return reply.type('text/x-shellscript; charset=utf-8').send(script)
  })

  app.get<{ Params: { file: string } }>('/keys/:file', hidden, async (request, reply) => {
    const { name } = splitName(request.params.file, ['.asc'])
    const key = await controller.publicKey(name)
    return reply.header('cache-control', 'no-cache').type('application/pgp-keys').send(key)
  })
}

function splitName(file: string, extensions: readonly string[]): { name: string; extension: string } {
  const extension = extensions.find((one) => file.endsWith(one))
  const name = extension === undefined ? '' : file.slice(0, file.length - extension.length)
  if (extension === undefined || !mirrorName.safeParse(name).success) {
    throw new LarderError('MIRROR_UNKNOWN', { message: `${JSON.stringify(file.slice(0, 100))} names no mirror.` })
  }
  return { name, extension }
}
