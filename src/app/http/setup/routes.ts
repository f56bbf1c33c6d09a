import { LarderError } from '../../../core/index.ts'
import type { ClientSetup } from '../../../mirror/index.ts'
import type { ApiApp } from '../api/api-app.ts'
import { mirrorName } from '../api/parameters.ts'
import { baseUrlOf } from '../base-url.ts'
import type { HttpContext } from '../options.ts'
import { renderAptScript } from './apt-script.ts'
import { renderRpmScript } from './rpm-script.ts'

/**
 * What a machine needs to become a client: `/setup/base` (a script), `/setup/base.sources` or `/setup/base.repo` (what
 * the script writes), `/keys/base.asc`.
 */
export function addSetup(app: ApiApp, { controller, publicUrl }: HttpContext): void {
  const hidden = { schema: { hide: true } }

  app.get<{ Params: { file: string } }>('/setup/:file', hidden, async (request, reply) => {
    const { name: mirror, extension } = splitName(request.params.file, ['.sources', '.repo', ''])
    const baseUrl = baseUrlOf(request, publicUrl)
    const setup = await controller.clientSetup(mirror, baseUrl)
    const { source, script } = textsOf(setup, { mirror, url: `${baseUrl}/setup/${mirror}` })
    reply.header('cache-control', 'no-cache')
    if (extension === '') return reply.type('text/x-shellscript; charset=utf-8').send(script)
    if (extension === sourceExtension[setup.format]) return reply.type('text/plain; charset=utf-8').send(source)
    throw new LarderError('NOT_FOUND', {
      message: `Mirror ${mirror} is of format ${setup.format}.`,
      hint: `/setup/${mirror}${sourceExtension[setup.format]} is what its clients are given.`,
    })
  })

  app.get<{ Params: { file: string } }>('/keys/:file', hidden, async (request, reply) => {
    const { name } = splitName(request.params.file, ['.asc'])
    const key = await controller.publicKey(name)
    return reply.header('cache-control', 'no-cache').type('application/pgp-keys').send(key)
  })
}

const sourceExtension = { apt: '.sources', rpm: '.repo' } as const

function textsOf(setup: ClientSetup, place: { mirror: string; url: string }): { source: string; script: string } {
  if (setup.format === 'apt')
    return { source: setup.deb822, script: renderAptScript({ ...place, deb822: setup.deb822 }) }
  return { source: setup.repo, script: renderRpmScript({ ...place, repo: setup.repo }) }
}

function splitName(file: string, extensions: readonly string[]): { name: string; extension: string } {
  const extension = extensions.find((one) => file.endsWith(one))
  const name = extension === undefined ? '' : file.slice(0, file.length - extension.length)
  if (extension === undefined || !mirrorName.safeParse(name).success) {
    throw new LarderError('MIRROR_UNKNOWN', { message: `${JSON.stringify(file.slice(0, 100))} names no mirror.` })
  }
  return { name, extension }
}
