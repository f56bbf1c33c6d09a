import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, isLarderError, LarderError, type Log } from '../../../core/index.ts'
import { parseRepositoryName, type Registry, type RepositoryName } from '../../../oci/index.ts'
import { BodySender } from '../files/send-body.ts'
import { createClientAddress, type ClientAddress } from '../client-address.ts'
import { RefusalLimit } from '../refusal-limit.ts'
import type { RegistryAccess, RegistryAction } from './access.ts'
import { answerRegistryError } from './answer-error.ts'
import { serveBlob } from './blobs.ts'
import { challengeOf } from './challenge.ts'
import { answer, type Exchange } from './exchange.ts'
import { serveCatalog, serveReferrers, serveTags } from './lists.ts'
import { serveManifest } from './manifests.ts'
import { parseRegistryPath, type RegistryPath } from './parse-path.ts'
import { beginUpload, serveUpload } from './uploads.ts'

export interface RegistryEndpointOptions {
  registry: Registry
  access: RegistryAccess
  log: Log
  clock: Clock
  /** Address by which clients reach us over plain HTTP or a proxy. Default: what each request was sent to. */
  publicUrl?: string | undefined
  /** Proxies of our own, which say whom they ask for. Default: none. */
  trustedProxies?: readonly string[] | undefined
  /** A client that sends or takes nothing for so long is given up. */
  stallMs: number
  smallFilesBytes: number
  onServed: (served: { method: string; status: number }) => void
}

/** Logins that are refused from one address within a minute, before it has to wait. */
const refusedPerMinute = 60

/**
 * Serves `/v2/…` on the bare HTTP server, before the web framework: answers false for other addresses. Source: OCI
 * distribution-spec 1.1.
 */
export function createRegistryEndpoint(
  options: RegistryEndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const prefix = options.publicUrl === undefined ? '' : new URL(options.publicUrl).pathname.replace(/\/+$/, '')
  const endpoint = new RegistryEndpoint({ ...options, prefix })
  return (request, response) => {
    const { url = '' } = request
    // A proxy may take its path away, or leave it.
    const path = url.startsWith(`${prefix}/v2`) ? url.slice(prefix.length) : url
    if (!/^\/v2(?:[/?]|$)/.test(path)) return false
    request.url = path
    endpoint.answer(request, response).catch(() => response.destroy())
    return true
  }
}

class RegistryEndpoint {
  readonly #options: RegistryEndpointOptions
  readonly #bodies: BodySender
  readonly #limit: RefusalLimit
  readonly #addressOf: ClientAddress
  readonly #prefix: string

  constructor(options: RegistryEndpointOptions & { prefix: string }) {
    this.#options = options
    this.#bodies = new BodySender(options)
    this.#limit = new RefusalLimit(options.clock, {
      perMinute: refusedPerMinute,
      how: 'with a name and password of the registry',
    })
    this.#addressOf = createClientAddress(options.trustedProxies)
    this.#prefix = options.prefix
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('docker-distribution-api-version', 'registry/2.0')
    request.setTimeout(this.#options.stallMs, () => request.destroy())
    try {
      await this.#serve(request, response)
    } catch (error) {
      this.#fail(request, response, error)
    }
    this.#options.onServed({ method: request.method ?? '', status: response.statusCode })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    const asked = parseRegistryPath(path)
    if (asked === undefined) throw notFound(request)
    const { registry } = this.#options
    const search = new URLSearchParams(query)
    const common = { registry, request, response, query: search, bodies: this.#bodies, prefix: this.#prefix }
    if (asked.kind === 'token') return this.#issueToken({ ...common, mayPull: () => false })
    const mayPull = await this.#authorize(request, response, asked)
    await dispatch({ ...common, mayPull }, asked)
  }

  /** Who may not is told how to log in, whether there is such a repository or not. UNAUTHORIZED, RATE_LIMITED. */
  async #authorize(
    request: IncomingMessage,
    response: ServerResponse,
    asked: RegistryPath,
  ): Promise<Exchange['mayPull']> {
    const { access } = this.#options
    const name = 'name' in asked ? asked.name : undefined
    const action = actionOf(request)
    const { authorization } = request.headers
    try {
      const grants = await this.#limited(request, () => access.grantsOf(authorization))
      const granted = name === undefined ? isAllowedAsRoot(grants, authorization) : grants(name, action)
      if (granted) return (repository) => grants(repository, 'pull')
    } catch (error) {
      if (!isLarderError(error, 'UNAUTHORIZED')) throw error
    }
    const wanted = name === undefined ? undefined : { name, actions: action === 'push' ? 'pull,push' : action }
    response.setHeader('www-authenticate', challengeOf(request, { publicUrl: this.#options.publicUrl, wanted }))
    throw new LarderError('UNAUTHORIZED', {
      message:
        name === undefined
          ? 'The registry asks for a login.'
          : `You may not ${action} ${name.slice(0, 100)} as who you are.`,
      hint: 'Log in to the registry (docker login, skopeo login).',
    })
  }

  async #issueToken(exchange: Exchange): Promise<void> {
    const { request, query } = exchange
    const scopes = query.getAll('scope').flatMap((text) => text.split(' '))
    const { token, expiresInS } = await this.#limited(request, () =>
      this.#options.access.issueToken(request.headers.authorization, scopes),
    )
    answer(exchange, 200, { 'cache-control': 'no-store' }, { token, access_token: token, expires_in: expiresInS })
  }

  /** Whoever guesses soon has to wait. */
  async #limited<T>(request: IncomingMessage, work: () => Promise<T>): Promise<T> {
    const source = this.#addressOf(request)
    if (request.headers.authorization !== undefined) this.#limit.check(source)
    try {
      return await work()
    } catch (error) {
      if (isLarderError(error, 'UNAUTHORIZED')) this.#limit.refused(source)
      throw error
    }
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { log } = this.#options
    const { method, url } = request
    // The client went away: nobody is left to be told.
    if (request.destroyed && !request.complete) {
      response.destroy()
      return
    }
    const known = isLarderError(error)
      ? error
      : new LarderError('INTERNAL', { message: 'Larder failed over this request; its log says how.', cause: error })
    if (known.httpStatus >= 500) log.error('A request to the registry failed.', { method, url, error })
    if (response.headersSent) {
      response.destroy()
      return
    }
    answerRegistryError(response, known)
  }
}

async function dispatch(exchange: Exchange, asked: RegistryPath): Promise<void> {
  allowMethods(exchange, asked)
  if (asked.kind === 'catalog') return serveCatalog(exchange)
  if (!('name' in asked)) {
    answer(exchange, 200, {}, {})
    return
  }
  const repository: RepositoryName = parseRepositoryName(asked.name)
  switch (asked.kind) {
    case 'tags':
      return serveTags(exchange, repository)
    case 'uploads':
      return beginUpload(exchange, repository)
    case 'upload':
      return serveUpload(exchange, repository, asked.reference)
    case 'manifest':
      return serveManifest(exchange, repository, asked.reference)
    case 'blob':
      return serveBlob(exchange, repository, asked.reference)
    case 'referrers':
      return serveReferrers(exchange, repository, asked.reference)
  }
}

const readMethods = ['GET', 'HEAD']
const methods: Record<RegistryPath['kind'], readonly string[]> = {
  root: readMethods,
  catalog: readMethods,
  token: readMethods,
  tags: readMethods,
  referrers: readMethods,
  uploads: ['POST'],
  upload: [...readMethods, 'PATCH', 'PUT', 'DELETE'],
  manifest: [...readMethods, 'PUT', 'DELETE'],
  blob: [...readMethods, 'DELETE'],
}

function allowMethods({ request, response }: Exchange, { kind }: RegistryPath): void {
  if (methods[kind].includes(request.method ?? '')) return
  response.setHeader('allow', methods[kind].join(', '))
  throw new LarderError('OCI_METHOD_UNSUPPORTED', {
    message: `${request.method ?? ''} is not possible here.`,
    hint: `Possible are ${methods[kind].join(', ')}.`,
  })
}

function actionOf({ method }: IncomingMessage): RegistryAction {
  if (method === 'GET' || method === 'HEAD') return 'pull'
  return method === 'DELETE' ? 'delete' : 'push'
}

/**
 * Clients ask for `/v2/` to see whether they must log in: who gives no name is told how, unless everybody may do
 * everything; who has logged in may see it, whatever else they may.
 */
function isAllowedAsRoot(
  grants: (repository: string, action: RegistryAction) => boolean,
  authorization: string | undefined,
): boolean {
  return authorization !== undefined || grants('', 'push')
}

function notFound({ method, url }: IncomingMessage): LarderError {
  return new LarderError('NOT_FOUND', {
    message: `There is nothing at ${method ?? ''} ${(url ?? '').slice(0, 200)}.`,
    hint: 'The registry speaks the OCI distribution protocol below /v2/.',
  })
}
