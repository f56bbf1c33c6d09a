import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'

export interface GitHttpServer extends AsyncDisposable {
  /** Address of the repository, without a login. */
  readonly url: string
  /** What is asked for, and whether its login was right. */
  readonly requests: { path: string; status: number }[]
  /** Command lines of processes that had the password in them while somebody asked. */
  readonly seen: string[]
  /** So many more fetches are answered, then 503. Default: all. */
  fetchesLeft: number
  /** Files in Git LFS, by the name of their repository and their SHA-256. */
  readonly lfs: Map<string, Buffer>
  /** Who may read. */
  login: { user: string; password: string }
}

/** A bare repository over smart HTTP by `git http-backend`, for one login. */
export async function serveGitHttp(
  repository: string,
  login: { user: string; password: string },
): Promise<GitHttpServer> {
  const server = createServer((request, response) => {
    const { url: path = '/' } = request
    const isKnown = request.headers.authorization === basic(self.login)
    if (isKnown) self.seen.push(...commandLinesWith(self.login.password))
    const isFetch = path.includes('/info/refs')
    const status = !isKnown ? 401 : isFetch && self.fetchesLeft-- <= 0 ? 503 : 200
    self.requests.push({ path, status })
    if (status === 200 && path.includes('/lfs/')) answerLfs(self, request, response)
    else if (status === 200) answer(repository, request, response)
    else if (status === 503) response.writeHead(503).end()
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="stand-in"' }).end('who are you?')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const self: GitHttpServer = {
    url: `http://127.0.0.1:${port}/site.git`,
    requests: [],
    seen: [],
    fetchesLeft: Infinity,
    lfs: new Map(),
    login,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}

const basic = ({ user, password }: { user: string; password: string }): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** As any user of the host sees them. */
function commandLinesWith(password: string): string[] {
  const forms = [password, Buffer.from(password).toString('base64').slice(0, -2)]
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        // It has ended meanwhile.
        return ''
      }
    })
    .filter((line) => forms.some((form) => line.includes(form)))
}

/** Source: Git LFS specification, "Batch API". Files are served at the same address, for the same login. */
function answerLfs(
  { lfs, url, login }: Pick<GitHttpServer, 'lfs' | 'url' | 'login'>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [, repository = '', oid = ''] = /^\/([^/]+)\.git\/info\/lfs\/objects\/(\w+)$/.exec(request.url ?? '') ?? []
  let text = ''
  request.setEncoding('utf8').on('data', (more: string) => (text += more))
  request.on('end', () => {
    if (oid !== 'batch') return response.end(lfs.get(`${repository}/${oid}`))
    const [asked] = (JSON.parse(text) as { objects: { oid: string; size: number }[] }).objects
    const href = `${new URL(url).origin}/${repository}.git/info/lfs/objects/${asked!.oid}`
    const found = { actions: { download: { href, header: { authorization: basic(login) } } } }
    const answered = lfs.has(`${repository}/${asked!.oid}`) ? found : { error: { code: 404, message: 'none' } }
    return response.end(JSON.stringify({ transfer: 'basic', objects: [{ ...asked, ...answered }] }))
  })
}

/** Source: git-http-backend(1), "Environment"; RFC 3875. */
function answer(repository: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://stand-in')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: dirname(repository),
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => undefined)
  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      response.write(chunk)
      return
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const fields = head.subarray(0, end).toString('latin1').split('\r\n')
    const headers = fields.map((field) => field.split(': ') as [string, string])
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200'
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
    response.write(head.subarray(end + 4))
    head = undefined
  })
  child.stdout.on('end', () => response.end())
}
