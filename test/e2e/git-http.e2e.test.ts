import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startStandIn, type StandInForge } from '../../src/forge/testing/stand-in-forge.ts'
import { createStandInRepository } from '../../src/forge/testing/stand-in-repository.ts'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { serveGitHttp, type GitHttpServer } from './support/git-http-server.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const token = 'tok_Zx9-very/secret+token'
const asking = (...names: string[]) => ({ 'packages.json': packageList(names) })

let workspace: Workspace
let upstream: Upstream
let forge: StandInForge
let server: GitHttpServer
beforeEach(async () => {
  workspace = await openWorkspace()
  const packages = ['alpha', 'beta', 'gamma'].map((name) => ({ name, version: '1.0' }))
  upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
  forge = await startStandIn('github', { token })
  const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), 'keys/test.asc': upstream.key }
  await forge.push({ ...files, ...asking('alpha') })
  server = await serveGitHttp(forge.world.repository.folder, { user: 'x-access-token', password: token })
  await mkdir(workspace.path('data'))
  await writeFile(workspace.path('data/forge-token'), `${token}\n`, { mode: 0o600 })
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await forge[Symbol.asyncDispose]()
  await upstream.close()
  await workspace[Symbol.asyncDispose]()
})

async function start(settings: object = {}): Promise<ControllerChild> {
  const site = { ...forge.config, url: server.url, tokenFile: 'forge-token', pollSeconds: 1, ...settings }
  await writeFile(workspace.path('data/controller.yaml'), JSON.stringify({ forge: site }))
  return startControllerChild({ dataFolder: workspace.path('data') })
}

const runOf = (controller: ControllerChild, commit: string) =>
  waitFor(`the run of ${commit}`, async () => {
    const run = (await controller.client.runs({ limit: 20 })).find((one) => one.commit === commit)
    return run?.finishedAt === undefined ? undefined : controller.client.run(run.id)
  })

/** Everything that a person could come to read. */
async function everythingSaid(controller: ControllerChild): Promise<string> {
  const { client } = controller
  const runs = await client.runs({ limit: 50 })
  const details = await Promise.all(runs.map(async ({ id }) => [await client.run(id), await client.runLog(id, 0)]))
  const doctor = await controller.larder('doctor')
  const others = [await client.deliveries({ limit: 50 }), doctor.stdout, doctor.stderr, forge.world.comments]
  const config = await execa('git', [`--git-dir=${workspace.path('data/site.git')}`, 'config', '--list'])
  const told = JSON.stringify([details, others, forge.world.statuses, server.seen])
  return `${told}\n${controller.log()}\n${config.stdout}`
}

function expectUntold(text: string): void {
  const forms = [token, encodeURIComponent(token), Buffer.from(token).toString('base64').slice(0, -4)]
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64').slice(0, -4)
  for (const form of [...forms, basic]) expect(text).not.toContain(form)
}

it('polls branches and pull requests with a token, which nobody else comes to see', async () => {
  await using controller = await start()
  await waitFor('the first run', async () => (await controller.client.runs({ limit: 1 }))[0])
  await waitForSuccess(controller.client)
  expect(server.requests[0]).toMatchObject({ path: '/site.git/info/refs?service=git-upload-pack', status: 200 })

  const commit = await forge.push(asking('alpha', 'beta'), { branch: 'topic' })
  const { number } = await forge.openPull({ branch: 'topic' })
  expect(await runOf(controller, commit)).toMatchObject({ goal: 'plan', state: 'succeeded', pullRequest: number })
  const merged = await forge.merge(number)
  expect(await runOf(controller, merged)).toMatchObject({ goal: 'apply', state: 'succeeded' })
  expect(server.seen).toEqual([])
  expectUntold(await everythingSaid(controller))
})

it('a token that is refused is told without being shown; once it is right, what was missed is applied', async () => {
  server.login = { ...server.login, password: 'another' }
  await using controller = await start()
  const told = await waitFor('it to be told', () =>
    Promise.resolve(/"message":"[^"]*could not be looked at/.test(controller.log()) ? controller.log() : undefined),
  )
  expect(told).toMatch(/Authentication failed|could not read Username|terminal prompts disabled/)
  expect(told).toMatch(/the token or the password/)
  expect((await fetch(`${controller.url}/healthz`)).status).toBe(200)
  expect(await controller.client.runs({ limit: 9 })).toEqual([])
  expectUntold(await everythingSaid(controller))
  server.login = { ...server.login, password: token }
  await waitFor('the first run', async () => (await controller.client.runs({ limit: 1 }))[0])
  await waitForSuccess(controller.client)
  expect(server.seen).toEqual([])
})

it('plain Git with the login in the address of controller.yaml', async () => {
  const url = new URL(server.url)
  url.username = 'x-access-token'
  url.password = encodeURIComponent(token)
  await using controller = await start({ type: 'git', url: url.href, tokenFile: undefined, api: undefined })
  await waitFor('the first run', async () => (await controller.client.runs({ limit: 1 }))[0])
  await waitForSuccess(controller.client)
  const commit = await forge.push(asking('alpha', 'gamma'))
  expect(await runOf(controller, commit)).toMatchObject({ goal: 'apply', state: 'succeeded', origin: 'poll' })
  expect(server.seen).toEqual([])
  expectUntold(await everythingSaid(controller))
})

it.each([
  ['leaves contents out', true],
  ['cannot leave contents out, and sends them', false],
])('blobless, from a server that %s', async (_name, allowsFilter) => {
  const { folder } = forge.world.repository
  await execa('git', [`--git-dir=${folder}`, 'config', 'uploadpack.allowFilter', String(allowsFilter)])
  await using controller = await start({ fetch: 'blobless' })
  await waitFor('the first run', async () => (await controller.client.runs({ limit: 1 }))[0])
  await waitForSuccess(controller.client)
  const commit = await forge.push({ ...asking('alpha', 'beta'), unread: 'x'.repeat(10_000) })
  expect(await runOf(controller, commit)).toMatchObject({ goal: 'apply', state: 'succeeded' })
  const repository = workspace.path('data/site.git')
  const list = ['rev-list', '--objects', '--missing=print', commit]
  const { stdout } = await execa('git', [`--git-dir=${repository}`, ...list])
  expect(/^\?/m.test(stdout)).toBe(allowsFilter)
  expect(server.seen).toEqual([])
  expectUntold(await everythingSaid(controller))
})

it('blobless, and the forge is away when files are read: tried again until it is back', async () => {
  await execa('git', [`--git-dir=${forge.world.repository.folder}`, 'config', 'uploadpack.allowFilter', 'true'])
  await using controller = await start({ fetch: 'blobless', pollSeconds: 0 })
  await waitFor('the first run', async () => (await controller.client.runs({ limit: 1 }))[0])
  await waitForSuccess(controller.client)
  const [secret] = (await readFile(workspace.path('data/github-secrets'), 'utf8')).split('\n')
  forge.hook = { url: `${controller.url}/hooks/github`, secret: secret! }
  // Refs and trees come; files no more.
  server.fetchesLeft = 1
  const commit = await forge.push(asking('alpha', 'gamma'))
  await waitFor('it to be put off', async () => {
    const run = (await controller.client.runs({ limit: 9 })).find((one) => one.commit === commit)
    const log = run === undefined ? [] : await controller.client.runLog(run.id, 0)
    return JSON.stringify(log).includes('Trying again in') ? true : undefined
  })
  server.fetchesLeft = Infinity
  expect(await runOf(controller, commit)).toMatchObject({ goal: 'apply', state: 'succeeded' })
  expect(server.requests.filter(({ status }) => status === 503)).not.toEqual([])
})

it('what is in LFS in a submodule is asked of the submodule’s server', async () => {
  const lists = await createStandInRepository(forge.world.repository.folder.replace(/site\.git$/, 'lists.git'))
  const text = packageList(['alpha', 'beta'])
  const oid = createHash('sha256').update(text).digest('hex')
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${text.length}\n`
  const commit = await lists.commit(undefined, { 'base.json': pointer }, 'lists')
  await lists.update('refs/heads/main', commit)
  await execa('git', [`--git-dir=${lists.folder}`, 'config', 'uploadpack.allowAnySHA1InWant', 'true'])
  const site = larderYaml({ test: upstream.url }, { base: { packages: 'lists/base.json' } })
  const gitmodules = '[submodule "lists"]\n\tpath = lists\n\turl = ../lists.git\n'
  const head = await forge.push({ 'larder.yaml': site, '.gitmodules': gitmodules, lists: { commit } })
  server.lfs.set(`lists/${oid}`, Buffer.from(text))
  await using controller = await start({ lfs: true, submodules: true })
  expect(await runOf(controller, head)).toMatchObject({ goal: 'apply', state: 'succeeded' })
  const names = (await controller.client.packages('base')).map(({ name }) => name)
  expect(names.sort()).toEqual(['alpha', 'beta'])
  expect(server.requests.filter(({ path }) => path.includes('/lfs/')).map(({ path }) => path.split('/')[1])).toEqual(
    expect.arrayContaining(['lists.git']),
  )
  expect(server.requests.some(({ path }) => path.startsWith('/site.git/info/lfs'))).toBe(false)
  expect(server.seen).toEqual([])
  expectUntold(await everythingSaid(controller))

  // Whoever is not trusted may not have others fetched with our token.
  const secret = await createStandInRepository(forge.world.repository.folder.replace(/site\.git$/, 'secret.git'))
  const theirs = await secret.commit(undefined, { 'base.json': 'the-secret-of-others' }, 'x')
  await secret.update('refs/heads/main', theirs)
  const changes = { '.gitmodules': gitmodules.replace('lists.git', 'secret.git'), lists: { commit: theirs } }
  const proposed = await forge.push(changes, { branch: 'theirs', fork: 'mallory/site' })
  await forge.openPull({ branch: 'theirs', fork: 'mallory/site' })
  const run = await runOf(controller, proposed)
  expect(run).toMatchObject({ state: 'failed', trust: 'untrusted', error: { code: 'FORK_NEEDS_APPROVAL' } })
  expect(server.requests.some(({ path }) => path.startsWith('/secret.git'))).toBe(false)
})
