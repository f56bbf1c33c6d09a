import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseCgiHead } from './cgi-answer.ts'
import { gitEnvironment } from './git-environment.ts'
import { killGroup } from './run-git.ts'

export interface BackendRequest {
  repository: string
  service: 'git-upload-pack' | 'git-receive-pack'
  /** `info/refs` asks what there is; the service's own name does it. */
  step: 'info/refs' | 'git-upload-pack' | 'git-receive-pack'
  /** Set when the request may write. */
  user?: string
  /** The ticket of the push gate. */
  environment?: Readonly<Record<string, string>>
}

export interface BackendEnd {
  exitCode: number
  stderr: string
}

/**
 * Answers one request of git's smart HTTP protocol by `git http-backend`, streaming both ways. Resolves when the
 * process has ended; a client that goes away takes the process, and all that it started, with it.
 * Source: git-http-backend(1), RFC 3875.
 */
export function runHttpBackend(
  request: IncomingMessage,
  response: ServerResponse,
  asked: BackendRequest,
): Promise<BackendEnd> {
  return new Promise((resolve) => {
    const child = spawn('git', ['http-backend'], { env: cgiEnvironment(request, asked), detached: true })
    const complaints: Buffer[] = []
    let killTimer: NodeJS.Timeout | undefined
    const abandon = (): void => {
      if (response.writableFinished || child.exitCode !== null) return
      killGroup(child.pid, 'SIGTERM')
      killTimer = setTimeout(() => {
        killGroup(child.pid, 'SIGKILL')
      }, 3_000)
    }
    response.once('close', abandon)
    child.once('error', () => {
      settle(-1)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaints.length < 64) complaints.push(chunk)
    })
    // A backend that refuses ends without reading the rest.
    child.stdin.on('error', () => {})
    request.pipe(child.stdin)
    relay(child, response)
    child.once('close', (code) => {
      settle(code ?? -1)
    })

    function settle(exitCode: number): void {
      clearTimeout(killTimer)
      // A process of the group that outlived its leader has nobody left to answer.
      killGroup(child.pid, 'SIGKILL')
      response.off('close', abandon)
      request.unpipe(child.stdin)
      request.resume()
      if (!response.headersSent) fail(response)
      else if (!response.writableEnded) response.end()
      resolve({ exitCode, stderr: Buffer.concat(complaints).toString('utf8').trim() })
    }
  })
}

function relay(child: ChildProcessWithoutNullStreams, response: ServerResponse): void {
  let head = Buffer.alloc(0)
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk])
    const parsed = parseCgiHead(head)
    if (parsed === undefined) return
    child.stdout.off('data', onHead)
    if (parsed === 'malformed' || response.destroyed) {
      child.stdout.resume()
      return
    }
    response.writeHead(parsed.status, parsed.headers.flat())
    if (parsed.rest.length > 0) response.write(parsed.rest)
    child.stdout.pipe(response, { end: false })
  }
  child.stdout.on('data', onHead)
}

function cgiEnvironment(request: IncomingMessage, asked: BackendRequest): Record<string, string> {
  const header = (name: string, grammar: RegExp): string => {
    const value = request.headers[name]
    return typeof value === 'string' && grammar.test(value) ? value : ''
  }
  const protocol = header('git-protocol', /^[a-z0-9=:.-]{1,200}$/)
  return gitEnvironment({
    ...asked.environment,
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: request.method === 'POST' ? 'POST' : 'GET',
    GIT_PROJECT_ROOT: asked.repository,
    PATH_INFO: `/${asked.step}`,
    QUERY_STRING: asked.step === 'info/refs' ? `service=${asked.service}` : '',
    CONTENT_TYPE: header('content-type', /^[a-z0-9/.+-]{1,100}$/),
    HTTP_CONTENT_ENCODING: header('content-encoding', /^(?:x-)?gzip$/),
    GIT_HTTP_EXPORT_ALL: '1',
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    ...(header('content-length', /^\d{1,15}$/) === '' ? {} : { CONTENT_LENGTH: header('content-length', /./) }),
    ...(protocol === '' ? {} : { GIT_PROTOCOL: protocol }),
    // With a user, http-backend allows receive-pack; the repository's own configuration says no.
    ...(asked.user === undefined ? {} : { REMOTE_USER: asked.user, ...allowReceivePack }),
  })
}

const allowReceivePack = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.receivepack', GIT_CONFIG_VALUE_0: 'true' }

function fail(response: ServerResponse): void {
  if (response.destroyed) return
  response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' })
  response.end('git http-backend could not answer; the log of Larder says why.\n')
}
