import type { FastifyReply } from 'fastify'
import { LarderError } from '../../../core/index.ts'
import type { ClientSetup } from '../../../mirror/index.ts'
import type { ApiApp } from '../api/api-app.ts'
import { mirrorName } from '../api/parameters.ts'
import { baseUrlOf } from '../base-url.ts'
import type { HttpContext } from '../options.ts'
import { renderAuthorityScript } from './authority-script.ts'
import { renderAptScript } from './apt-script.ts'
import { renderRpmScript } from './rpm-script.ts'

/**
 * What a machine needs to become a client: `/setup/base` (a script), `/setup/base.sources` or `/setup/base.repo` (what
 * the script writes), `/keys/base.asc`.
 */
export function addSetup(app: ApiApp, context: HttpContext): void {
  const { controller, publicUrl } = context
  const hidden = { schema: { hide: true } }

  addAuthority(app, context)

  app.get<{ Params: { file: string } }>('/setup/:file', hidden, async (request, reply) => {
    const { name: mirror, extension } = splitName(request.params.file, ['.sources', '.repo', ''])
    const baseUrl = baseUrlOf(request, publicUrl)
    const setup = await controller.clientSetup(mirror, baseUrl)
    return sendSetup(reply, { setup, extension, mirror, baseUrl })
  })

  app.get<{ Params: { file: string } }>('/keys/:file', hidden, async (request, reply) => {
    const { name } = splitName(request.params.file, ['.asc'])
    return sendKey(reply, await controller.publicKey(name))
  })

  addPreviewSetup(app, context)
}

/** What clients need to trust what Larder certifies. */
function addAuthority(app: ApiApp, { tls }: HttpContext): void {
  const hidden = { schema: { hide: true } }
  const certificateOf = (): string => {
    const certificate = tls?.authority()
    if (certificate !== undefined) return certificate
    throw new LarderError('NOT_FOUND', {
      message: 'Larder knows no authority that clients have to trust: TLS is off, or its certificate is another’s.',
      hint: 'Switch TLS on by `tls:` in controller.yaml or `larder up --tls-listen`; `tls.authorityFile` names the authority of others.',
    })
  }
  app.get('/keys/ca.crt', hidden, (_request, reply) =>
    reply.header('cache-control', 'no-cache').type('application/x-pem-file').send(certificateOf()),
  )
  app.get('/setup/ca', hidden, (_request, reply) => {
    const registry = tls?.registryHost() ?? ''
    const script = renderAuthorityScript({ certificate: certificateOf(), registry })
    return reply.header('cache-control', 'no-cache').type('text/x-shellscript; charset=utf-8').send(script)
  })
}

/** The same of what a pull request would publish, below `/preview/<run>`. */
function addPreviewSetup(app: ApiApp, { controller, publicUrl }: HttpContext): void {
  const hidden = { schema: { hide: true } }

  app.get<PreviewRoute>('/preview/:run/setup/:file', hidden, async (request, reply) => {
    const { name: mirror, extension } = splitName(request.params.file, ['.sources', '.repo', ''])
    const run = runNumber(request.params.run)
    const baseUrl = `${baseUrlOf(request, publicUrl)}/preview/${run}`
    const setup = await controller.previewSetup(run, mirror, baseUrl)
    return sendSetup(reply, { setup, extension, mirror, baseUrl })
  })

  app.get<PreviewRoute>('/preview/:run/keys/:file', hidden, async (request, reply) => {
    const { name } = splitName(request.params.file, ['.asc'])
    return sendKey(reply, await controller.previewKey(runNumber(request.params.run), name))
  })
}

interface PreviewRoute {
  Params: { run: string; file: string }
}

interface AskedSetup {
  setup: ClientSetup
  extension: string
  mirror: string
  baseUrl: string
}

function sendSetup(reply: FastifyReply, { setup, extension, mirror, baseUrl }: AskedSetup): FastifyReply {
  const { source, script } = textsOf(setup, { mirror, url: `${baseUrl}/setup/${mirror}` })
  reply.header('cache-control', 'no-cache')
  if (extension === '') return reply.type('text/x-shellscript; charset=utf-8').send(script)
  if (extension === sourceExtension[setup.format]) return reply.type('text/plain; charset=utf-8').send(source)
  throw new LarderError('NOT_FOUND', {
    message: `Mirror ${mirror} is of format ${setup.format}.`,
    hint: `/setup/${mirror}${sourceExtension[setup.format]} is what its clients are given.`,
  })
}

function sendKey(reply: FastifyReply, key: string): FastifyReply {
  return reply.header('cache-control', 'no-cache').type('application/pgp-keys').send(key)
}

function runNumber(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  throw new LarderError('PREVIEW_UNKNOWN', { message: `${JSON.stringify(text.slice(0, 100))} is no number of a run.` })
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
