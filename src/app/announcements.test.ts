import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../../test/fixtures/upstream/index.ts'
import { systemClock } from '../core/index.ts'
import type { ForgeName } from '../forge/index.ts'
import { startStandIn, type StandInForge } from '../forge/testing/stand-in-forge.ts'
import { startController, type RunningController } from './controller-process.ts'
import { dataFolderAt } from './data-folder.ts'

let folder: string
let upstream: Upstream
let forge: StandInForge
let listener: Server
let heard: { type: string; data: Record<string, unknown> }[]
let controller: RunningController | undefined
/** How far the controller's clock is from the real one. */
let offsetMs: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-announce-'))
  const packages = [
    { name: 'alpha', version: '1.0', fields: { Depends: 'beta' } },
    { name: 'beta', version: '1.0' },
    { name: 'gamma', version: '2.0' },
  ]
  const validUntil = new Date(Date.now() + 200_000)
  upstream = await startUpstream({ suites: [{ suite: 'stable', packages, validUntil }] })
  heard = []
  offsetMs = 0
  listener = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      take(Buffer.concat(chunks).toString(), request.headers as Record<string, string>)
        .then(() => response.writeHead(204).end())
        .catch(() => response.writeHead(401).end())
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  await controller?.stop()
  controller = undefined
  listener.closeAllConnections()
  await new Promise((resolve) => listener.close(resolve))
  await forge[Symbol.asyncDispose]()
  await upstream.close()
  await rm(folder, { recursive: true, force: true })
})

async function take(text: string, headers: Record<string, string>): Promise<void> {
  const secret = (await readFile(join(folder, 'data/notify-secret'), 'utf8')).trim()
  heard.push(new Webhook(secret).verify(text, headers) as (typeof heard)[number])
}

const siteText = (): string => `site: test
upstreams:
  test: { format: apt, url: "${upstream.url}", keys: [keys/test.asc] }
mirrors:
  base: { format: apt, upstreams: [test], suite: stable, architectures: [amd64], packages: packages.json }
`

async function start(name: ForgeName): Promise<void> {
  forge = await startStandIn(name)
  await forge.push({ 'larder.yaml': siteText(), 'keys/test.asc': upstream.key, 'packages.json': '["gamma"]\n' })
  await mkdir(join(folder, 'data'))
  const { type, url, repository, api } = forge.config
  const { port } = listener.address() as AddressInfo
  await writeFile(join(folder, 'data/token'), `${forge.token}\n`)
  await writeFile(
    join(folder, 'data/controller.yaml'),
    `forge: { type: ${type}, url: "${url}", repository: ${repository}, api: "${api}", tokenFile: token, pollSeconds: 0 }
notify: [{ url: "http://127.0.0.1:${port}/hook" }]
`,
  )
  await launch()
}

async function launch(): Promise<void> {
  const { type } = forge.config
  const dataFolder = dataFolderAt(join(folder, 'data'), {})
  const environment = { PATH: process.env['PATH'] }
  const where = { host: '127.0.0.1', port: 0 }
  const clock = { ...systemClock, now: () => new Date(Date.now() + offsetMs) }
  controller = await startController({ dataFolder, clock, logLevel: 'error', environment, ...where })
  const [secret = ''] = (await readFile(join(folder, `data/${type}-secrets`), 'utf8')).split('\n')
  forge.hook = { url: `${controller.url}/hooks/${type}`, secret }
}

/** Until nothing is under way: no run, and nothing that is owed. */
async function settle(): Promise<void> {
  if (controller === undefined) throw new Error('there is no controller')
  const { context, news, announcements } = controller.larder
  await news.settleDeliveries()
  await context.runner.idle()
  await announcements.outbox.idle()
}

const states = (commit: string): string[] =>
  forge.world.statuses.filter((status) => status.commit === commit).map(({ name, state }) => `${name} ${state}`)

describe.each<ForgeName>(['github', 'gitlab', 'gitea'])('at %s', (name) => {
  it('a pull request is reported on and a merge is, and listeners are told', async () => {
    await start(name)
    await settle()
    await forge.push({ 'packages.json': '["alpha", "gamma"]\n' }, { branch: 'add-alpha' })
    const pull = await forge.openPull({ branch: 'add-alpha', title: 'Add @alpha' })
    await settle()
    expect(states(pull.headCommit).at(-1)).toBe('larder success')
    const [comment] = forge.world.comments
    expect(comment?.text).toContain('| `alpha` | `1.0` |')
    expect(comment?.text).toContain('| `beta` | `1.0` |')
    expect(comment?.text).toMatch(/curl -fsS http:\S+\/preview\/\d+\/setup\/base \| sudo sh/)
    await forge.push({ 'packages.json': '["alhpa"]\n' }, { branch: 'add-alpha' })
    await settle()
    expect(states(pull.headCommit).at(-1)).toMatch(/^larder fail/)
    expect(forge.world.comments).toHaveLength(1)
    expect(forge.world.comments[0]?.text).toContain('packages.json:1:2')
    await forge.push({ 'packages.json': '["alpha", "gamma"]\n' }, { branch: 'add-alpha' })
    await settle()
    const main = await forge.merge(1)
    await settle()
    expect(states(main).at(-1)).toBe('larder/apply success')
    // GitLab takes a state that is under way once: what is planned was waiting before.
    expect(forge.server.faults.filter((fault) => !fault.includes('Cannot transition'))).toEqual([])
    expect(forge.deliveries.map(({ status }) => status)).not.toContain(0)
    const applies = heard.filter(({ type, data }) => type === 'run.finished' && isApplyOf(data, main))
    expect(applies).toHaveLength(1)
    const switched = heard.filter(({ type }) => type === 'publication.switched').map(({ data }) => data)
    expect(switched).toMatchObject([
      { mirror: 'base', generation: 1, previousGeneration: null, snapshot: 'base@1' },
      { mirror: 'base', generation: 2, previousGeneration: 1, snapshot: 'base@2' },
    ])
  }, 60_000)
})

it('a forge whose API is down fails no run, and is told everything once it is back, across a restart', async () => {
  await start('github')
  await settle()
  forge.server.outage = { status: 503 }
  await forge.push({ 'packages.json': '["alpha", "gamma"]\n' }, { branch: 'add-alpha' })
  const pull = await forge.openPull({ branch: 'add-alpha' })
  await settle()
  expect((await controller?.larder.controller.runs({ limit: 1 }))?.[0]).toMatchObject({
    goal: 'plan',
    state: 'succeeded',
  })
  const main = await forge.merge(1)
  await settle()
  expect([...states(pull.headCommit), ...states(main)]).toEqual([])
  await controller?.stop()
  forge.server.outage = 'cut'
  await launch()
  await settle()
  forge.server.outage = undefined
  await controller?.stop()
  await launch()
  await settle()
  expect(states(pull.headCommit)).toEqual(['larder success'])
  expect(states(main)).toEqual(['larder/apply success'])
  expect(forge.world.comments).toHaveLength(1)
}, 60_000)

it('an upstream that has expired is told once, however often it is found', async () => {
  await start('gitea')
  await settle()
  offsetMs = 240_000
  for (let time = 0; time < 2; time++) {
    await controller?.larder.controller.sync()
    await settle()
  }
  const failed = heard.filter(({ data }) => (data['run'] as { state?: string } | undefined)?.state === 'failed')
  expect(failed.map(({ type }) => type).toSorted()).toEqual(['run.finished', 'run.finished', 'upstream.expired'])
  const expired = heard.find(({ type }) => type === 'upstream.expired')?.data
  expect(expired).toMatchObject({ upstream: 'test', code: 'APT_RELEASE_EXPIRED', run: { goal: 'apply' } })
}, 60_000)

function isApplyOf({ run }: Record<string, unknown>, commit: string): boolean {
  const { goal, commit: applied, state } = run as { goal: string; commit: string; state: string }
  return goal === 'apply' && applied === commit && state === 'succeeded'
}
