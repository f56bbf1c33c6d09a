import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { measureProcess, watchMemory, type MemoryWatch } from './measure-process.ts'

const run = promisify(execFile)

export interface LarderOptions {
  /** The clone. */
  root: string
  /** Empty: data folder and working copy are made in it. */
  folder: string
  site: BenchSite
}

/** A site with one mirror. */
export interface BenchSite {
  larderYaml: string
  /** Copied into the site as `upstream-keys.gpg`. */
  keyring: string
  /** Path at the controller, with a leading slash, of the file whose change says that a new state is published. */
  published: string
}

export interface PushTimes {
  /** `git push` from its start to the new state being served. */
  wholeSeconds: number
  /** From the moment the refs have moved (the run's creation, as the API tells it) to the new state being served. */
  acceptedSeconds: number
  /** From the start of `git push` to the end of the run's last step `stage`. */
  stagedSeconds: number
}

/** A real controller process, and a working copy of its site repository. */
export interface RunningLarder {
  url: string
  startSeconds: number
  memory: MemoryWatch
  /** `seconds`: that it takes seconds is known, so nobody looks more often than is exact enough for that. */
  push(packages: readonly string[], takes?: 'seconds'): Promise<PushTimes>
  /** `POST /api/v1/sync` until the run has ended. */
  sync(): Promise<number>
  /** `larder mirror sync` as a process. */
  syncByCommand(): Promise<number>
  publicKey(): Promise<string>
  stop(): Promise<void>
}

export async function startLarder(options: LarderOptions): Promise<RunningLarder> {
  const { root, folder } = options
  const data = join(folder, 'data')
  const program = join(root, 'bin/larder')
  const started = performance.now()
  const child = spawn(program, ['--data', data, 'up', '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NO_PROXY: '127.0.0.1' },
  })
  const memory = watchMemory(child)
  const url = await addressOf(child.stdout, child)
  const startSeconds = (performance.now() - started) / 1000
  const token = (await readFile(join(data, 'admin-token'), 'utf8')).trim()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (method: string, path: string) => askHttp(agent, { method, url: `${url}${path}`, token })
  const site = await createSite(options, { url, token })
  const newestRun = async (): Promise<ApiRun> =>
    (JSON.parse((await ask('GET', '/api/v1/runs?limit=1')).body) as ApiRun[])[0]!
  const detail = async (id: number): Promise<ApiRun> =>
    JSON.parse((await ask('GET', `/api/v1/runs/${id}`)).body) as ApiRun
  const servedState = async (): Promise<string | undefined> => (await ask('HEAD', options.site.published)).etag
  return {
    url,
    startSeconds,
    memory,
    async push(packages, takes) {
      await site.commit(packages)
      const before = await servedState()
      const pushedAt = Date.now()
      // Before git has returned nothing can be served; looking would only take time from what is measured.
      await site.push()
      const servedAt = await Promise.race([
        waitForChange(servedState, before, takes === 'seconds' ? 0 : closeLooks),
        failureOf(newestRun),
      ])
      const newest = await waitForEnd(newestRun)
      if (newest.state !== 'succeeded')
        throw new Error(`run ${newest.id} ${newest.state}: ${newest.error?.message ?? ''}`)
      return {
        wholeSeconds: (servedAt - pushedAt) / 1000,
        acceptedSeconds: (servedAt - Date.parse(newest.createdAt)) / 1000,
        stagedSeconds: (stagedAt(await detail(newest.id)) - pushedAt) / 1000,
      }
    },
    async sync() {
      const start = performance.now()
      const { id } = JSON.parse((await ask('POST', '/api/v1/sync')).body) as ApiRun
      const ended = await waitForEnd(() => detail(id))
      if (ended.state !== 'succeeded') throw new Error(`sync ${ended.state}: ${ended.error?.message ?? ''}`)
      return (performance.now() - start) / 1000
    },
    syncByCommand: async () => (await measureProcess(program, ['--data', data, 'mirror', 'sync'])).seconds,
    publicKey: async () => (await ask('GET', '/keys/base.asc')).body,
    async stop() {
      memory.stop()
      agent.destroy()
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

interface ApiRun {
  id: number
  state: string
  createdAt: string
  finishedAt?: string
  error?: { message: string }
  /** Only in the answer about one run. */
  steps?: { name: string; finishedAt?: string }[]
}

function stagedAt({ steps = [] }: ApiRun): number {
  const last = steps.findLast(({ name, finishedAt }) => name.startsWith('stage ') && finishedAt !== undefined)
  return Date.parse(last?.finishedAt ?? '')
}

/** A look costs the controller most of a millisecond: often where tenths count, seldom where seconds pass. */
const [closeLookMs, wideLookMs, closeLooks] = [2, 15, 100]

async function waitForChange(
  look: () => Promise<string | undefined>,
  before: string | undefined,
  close: number,
): Promise<number> {
  for (let looks = 0; ; looks++) {
    const now = await look()
    if (now !== undefined && now !== before) return Date.now()
    await pause(looks < close ? closeLookMs : wideLookMs)
  }
}

async function waitForEnd(look: () => Promise<ApiRun>): Promise<ApiRun> {
  for (let looks = 0; ; looks++) {
    const found = await look()
    if (found.finishedAt !== undefined) return found
    await pause(looks < closeLooks ? closeLookMs : wideLookMs)
  }
}

/** Never ends while the run goes well: the change is seen elsewhere. */
async function failureOf(newestRun: () => Promise<ApiRun>): Promise<number> {
  let ended = await newestRun()
  for (; ended.finishedAt === undefined; ended = await newestRun()) await pause(250)
  if (ended.state !== 'succeeded') throw new Error(`run ${ended.id} ${ended.state}: ${ended.error?.message ?? ''}`)
  await pause(5000)
  throw new Error(`run ${ended.id} succeeded, but no new state is served`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function addressOf(output: NodeJS.ReadableStream, child: NodeJS.EventEmitter): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    output.on('data', (part: Buffer) => {
      text += part.toString()
      const url = /running at (http:\S+)/.exec(text)?.[1]
      if (url !== undefined) resolve(url)
    })
    child.once('exit', (code) => {
      reject(new Error(`the controller ended with ${String(code)}: ${text}`))
    })
  })
}

interface Asked {
  method: string
  url: string
  token: string
}

function askHttp(agent: Agent, { method, url, token }: Asked): Promise<{ body: string; etag: string | undefined }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('error', reject)
      answer.on('end', () => {
        const body = Buffer.concat(parts).toString()
        const status = answer.statusCode ?? 0
        if (status >= 400 && status !== 404) reject(new Error(`${method} ${url}: ${status} ${body}`))
        else resolve({ body, etag: status === 200 ? answer.headers.etag : undefined })
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

interface Site {
  commit(packages: readonly string[]): Promise<void>
  push(): Promise<void>
}

async function createSite(options: LarderOptions, { url, token }: { url: string; token: string }): Promise<Site> {
  const folder = join(options.folder, 'site')
  await mkdir(folder, { recursive: true })
  const credentials = Buffer.from(`admin:${token}`).toString('base64')
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', no_proxy: '127.0.0.1' }
  const settings = [
    'user.name=Bench',
    'user.email=bench@example.org',
    `http.extraHeader=Authorization: Basic ${credentials}`,
  ]
  const git = (...args: string[]) =>
    run('git', [...settings.flatMap((one) => ['-c', one]), ...args], { cwd: folder, env })
  await git('init', '--quiet', '--initial-branch=main')
  await copyFile(options.site.keyring, join(folder, 'upstream-keys.gpg'))
  await writeFile(join(folder, 'larder.yaml'), options.site.larderYaml)
  return {
    async commit(packages) {
      await writeFile(join(folder, 'packages.json'), JSON.stringify(packages, undefined, 1))
      await git('add', '.')
      await git('commit', '--quiet', '--message', `${packages.length} packages`)
    },
    async push() {
      await git('push', '--quiet', `${url}/git/site.git`, 'HEAD:refs/heads/main')
    },
  }
}
