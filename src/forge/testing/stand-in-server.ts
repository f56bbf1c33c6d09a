import { createVerify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { ApiReply, ApiRequest, Dialect, StandInWorld } from './stand-in-world.ts'

export interface StandInServer {
  readonly apiUrl: string
  /** All requests, in order; `atMs` as performance.now() has it. */
  readonly requests: { method: string; path: string; body: unknown; status: number; atMs: number }[]
  /** What a real forge would have refused, and why. */
  readonly faults: string[]
  /** It answers everything so from now on: a status, or a connection that is cut. */
  outage: { status: number; retryAfterSeconds?: number } | 'cut' | undefined
  close(): Promise<void>
}

export interface ServeOptions {
  dialect: Dialect
  world: StandInWorld
  token: string
  app: { id: string; installation: string; publicKey: string } | undefined
}

/** What an installation of an App is given. */
const installationToken = 'ghs_stand-in-installation'
const mostBytes = 1 << 20

export async function serveStandIn(options: ServeOptions): Promise<StandInServer> {
  const server = createServer((request, response) => {
    answer(options, self, request, response).catch((error: unknown) => {
      self.faults.push(`the stand-in failed: ${String(error)}`)
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const self: StandInServer = {
    apiUrl: `http://127.0.0.1:${port}${options.dialect.apiPath}`,
    requests: [],
    faults: [],
    outage: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}

async function answer(
  options: ServeOptions,
  self: StandInServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = await readBody(request)
  const { method = 'GET', url: path = '/' } = request
  if (self.outage === 'cut') {
    response.destroy()
    return
  }
  const record = (reply: ApiReply, why?: string): void => {
    const { status } = reply
    self.requests.push({
      method,
      path,
      body: text === '' ? undefined : JSON.parse(text),
      status,
      atMs: performance.now(),
    })
    if (why !== undefined) self.faults.push(`${method} ${path}: ${status}: ${why}`)
    send(options, path, reply, response)
  }
  if (self.outage !== undefined) {
    const { status, retryAfterSeconds } = self.outage
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
    record({ status, body: { message: 'out of order' } })
    return
  }
  try {
    const reply = signIn(options, request) ?? route(options, request, text)
    const isRefused = reply.status >= 400 && !(reply.status === 404 && method === 'GET')
    record(reply, isRefused ? JSON.stringify(reply.body) : undefined)
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    record({ status: 422, body: { message: 'Validation Failed' } }, z.prettifyError(error))
  }
}

/** What is answered to whoever is not known; undefined for whoever is. */
function signIn({ dialect, token, app }: ServeOptions, request: IncomingMessage): ApiReply | undefined {
  const isKnown = [token, installationToken].some((one) => {
    const { header, value } = dialect.authorization(one)
    return request.headers[header] === value && (one !== installationToken || app !== undefined)
  })
  if (isKnown) return undefined
  const path = `/app/installations/${app?.installation ?? ''}/access_tokens`
  if (app !== undefined && request.method === 'POST' && request.url === `${dialect.apiPath}${path}`) {
    if (isJwtOf(request.headers.authorization ?? '', app)) {
      const expires_at = new Date(Date.now() + 3600_000).toISOString()
      return { status: 201, body: { token: installationToken, expires_at, permissions: { checks: 'write' } } }
    }
  }
  return { status: 401, body: { message: 'Bad credentials' } }
}

/** Source: GitHub documentation, "Generating a JSON Web Token for a GitHub App": RS256, of now, for at most ten minutes. */
function isJwtOf(authorization: string, app: { id: string; publicKey: string }): boolean {
  const [header = '', payload = '', signature = ''] = authorization.replace(/^bearer /i, '').split('.')
  const verify = createVerify('RSA-SHA256').update(`${header}.${payload}`)
  if (!verify.verify(app.publicKey, Buffer.from(signature, 'base64url'))) return false
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iss: unknown; iat: number; exp: number }
  const now = Date.now() / 1000
  return String(claims.iss) === app.id && claims.iat <= now && claims.exp > now && claims.exp <= now + 600
}

function route({ dialect, world }: ServeOptions, request: IncomingMessage, text: string): ApiReply {
  const url = new URL(request.url ?? '/', 'http://stand-in')
  if (!url.pathname.startsWith(`${dialect.apiPath}/`)) return { status: 404, body: { message: 'Not Found' } }
  const parts = url.pathname
    .slice(dialect.apiPath.length + 1)
    .split('/')
    .map(decodeURIComponent)
  if (text !== '' && request.headers['content-type'] !== 'application/json') {
    return { status: 415, body: { message: 'Unsupported Media Type' } }
  }
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  const apiRequest: ApiRequest = { method: request.method ?? 'GET', parts, query: url.searchParams, body }
  return dialect.answer(apiRequest, world) ?? { status: 404, body: { message: 'Not Found' } }
}

function send({ dialect, world }: ServeOptions, path: string, reply: ApiReply, response: ServerResponse): void {
  let { body } = reply
  if (reply.isList === true && Array.isArray(body)) {
    const url = new URL(path, 'http://stand-in')
    const asked = Number(url.searchParams.get(dialect.pageParameter) ?? 30)
    const size = Math.min(asked, world.pageSize)
    const page = Number(url.searchParams.get('page') ?? 1)
    if (body.length > page * size) response.setHeader('link', `<http://elsewhere.example.org/next>; rel="next"`)
    else if (page > 1) response.setHeader('link', `<http://elsewhere.example.org/first>; rel="first"`)
    body = body.slice((page - 1) * size, page * size)
  }
  response.writeHead(reply.status, { 'content-type': 'application/json' })
  response.end(body === undefined ? '' : JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw new Error('the body is larger than any forge takes')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
