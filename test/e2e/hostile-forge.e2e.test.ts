import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import type { FileChanges } from '../../src/forge/testing/stand-in-repository.ts'
import { openForgeSite, type ForgeSite, type ForgeSiteOptions } from './support/open-forge-site.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor } from './support/wait-for-run.ts'

let upstream: Upstream
let site: ForgeSite
let release: () => void = () => undefined
beforeEach(async () => {
  const packages = ['alpha', 'beta', 'gamma'].map((name) => ({ name, version: '1.0' }))
  upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
})
afterEach(async () => {
  release()
  await site[Symbol.asyncDispose]()
  await upstream.close()
})

async function open(options: Omit<ForgeSiteOptions, 'files'> = {}): Promise<void> {
  const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), 'keys/test.asc': upstream.key }
  site = await openForgeSite({ files: { ...files, 'packages.json': packageList(['alpha']) }, ...options })
}

const asking = (...names: string[]) => ({ 'packages.json': packageList(['alpha', ...names]) })
const gitAtForge = async (...args: string[]): Promise<string> =>
  (await execa('git', [`--git-dir=${site.forge.world.repository.folder}`, ...args])).stdout.trim()
const generation = async () => (await site.controller.client.mirror('base')).publication?.generation
const runsOf = async (commit: string) =>
  (await site.controller.client.runs({ limit: 50 })).filter((run) => run.commit === commit)
const contents = async (): Promise<string[]> =>
  (await site.controller.client.packages('base')).map(({ name }) => name).sort()

/** What the forge forgets, as it does some time after a force push. */
async function forget(): Promise<void> {
  await gitAtForge('reflog', 'expire', '--expire=now', '--all')
  await gitAtForge('gc', '--quiet', '--prune=now')
}

/** The newest delivery, once it is settled. */
const settled = () =>
  waitFor('the delivery to be settled', async () => {
    const [newest] = await site.controller.client.deliveries({ limit: 1 })
    return newest?.state === 'waiting' ? undefined : newest
  })

/** Runs that begin now end when they are let go. */
function holdRuns(): void {
  const { publisher } = site.controller.larder.context
  const addSnapshot = publisher.addSnapshot.bind(publisher)
  const held = Promise.withResolvers<undefined>()
  publisher.addSnapshot = async (snapshot) => {
    await held.promise
    return addSnapshot(snapshot)
  }
  release = () => {
    publisher.addSnapshot = addSnapshot
    held.resolve(undefined)
  }
}

describe('what leads out of the tree', () => {
  it.each<[string, number, (secret: string) => FileChanges]>([
    ['larder.yaml', 1, (secret) => ({ 'larder.yaml': { link: secret } })],
    ['a package list', 10, (secret) => ({ 'packages.json': { link: secret } })],
    ['a relative link', 10, () => ({ 'packages.json': { link: '../../../../../../../../../etc/passwd' } })],
    ['the folder of the keys', 3, () => ({ 'keys/test.asc': null, keys: { link: '/etc/ssl' } })],
    ['a link to a file of the tree', 10, () => ({ real: '["alpha"]', 'packages.json': { link: 'real' } })],
  ])('%s: the run is refused, and says nothing of what is there', async (_name, line, changes) => {
    await open()
    const secret = join(site.workspace.folder, 'host-secret')
    await writeFile(secret, 'the-secret-of-the-host\n')
    const run = await site.runOf(await site.forge.push(changes(secret)))
    expect(run).toMatchObject({ goal: 'apply', state: 'failed', error: { code: 'SITE_INVALID' } })
    expect(run.problems).toMatchObject([
      { file: 'larder.yaml', line, message: expect.stringMatching(/symbolic link/) as string },
    ])
    const log = await site.controller.larder.context.runs.readLog(run.id, 0)
    expect(JSON.stringify([run, log])).not.toMatch(/the-secret-of-the-host|root:/)
    const pull = await site.propose({ ...changes(secret), more: 'x' })
    expect(pull).toMatchObject({ goal: 'plan', state: 'failed', error: { code: 'SITE_INVALID' } })
    expect(await generation()).toBe(1)
    // The next commit that is right is applied.
    const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), ...asking('beta') }
    const mended = await site.forge.push({ ...files, keys: null, 'keys/test.asc': upstream.key })
    expect(await site.runOf(mended)).toMatchObject({ state: 'succeeded' })
    expect(await contents()).toEqual(['alpha', 'beta'])
  })

  it.each([
    ['a path that leads out', { packages: '../../../../etc/passwd' }],
    ['an absolute path', { packages: '/etc/passwd' }],
    ['a path that is an option', { packages: '--help' }],
    ['a path of control characters', { packages: '"a\\u0000b"' }],
  ])('%s in larder.yaml is an error at its line', async (_name, mirror) => {
    await open()
    const changes = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: mirror }) }
    const run = await site.runOf(await site.forge.push(changes))
    expect(run).toMatchObject({ state: 'failed', error: { code: 'SITE_INVALID' } })
    expect(run.problems).toMatchObject([{ file: 'larder.yaml', line: 10 }])
    expect(await generation()).toBe(1)
  })
})

it('a list of 100,000 names: told at once, within bounds, on main and in a pull request', async () => {
  await open()
  const names = Array.from({ length: 100_000 }, (_, index) => `no-such-${index}`)
  const changes = { 'packages.json': packageList(names) }
  const run = await site.runOf(await site.forge.push(changes))
  expect(run).toMatchObject({ state: 'failed', error: { code: 'PACKAGE_UNKNOWN' } })
  expect(run.problems).toHaveLength(1000)
  expect(run.error?.message).toMatch(/99000 more are not kept/)
  const back = await site.forge.push(asking())
  expect(await site.runOf(back)).toMatchObject({ state: 'succeeded' })
  const pull = await site.propose(changes, { fork: 'mallory/site' })
  expect(pull).toMatchObject({ state: 'failed', trust: 'untrusted' })
  const { world, server } = site.forge
  await waitFor('the report', () => Promise.resolve(world.comments.find((comment) => comment.pull === pull.pull)))
  expect(server.faults).toEqual([])
  expect(await generation()).toBe(1)
  expect((await fetch(`${site.controller.url}/healthz`)).status).toBe(200)
})

describe('a branch that moves between event and run', () => {
  it('main, force-pushed: what is applied is what is there when the delivery is settled', async () => {
    await open()
    const first = await site.forge.world.repository.resolve('refs/heads/main')
    // The delivery of `gone` is sent after its commit was taken back.
    const { hook } = site.forge
    site.forge.hook = undefined
    const gone = await site.forge.push(asking('beta'))
    const other = await site.forge.world.repository.commit(first, asking('gamma'), 'instead')
    await site.forge.world.repository.update('refs/heads/main', other)
    await forget()
    site.forge.hook = hook
    await site.forge.redeliver(pushOf(gone))
    expect(await site.runOf(other)).toMatchObject({ goal: 'apply', state: 'succeeded' })
    expect(await runsOf(gone)).toEqual([])
    expect(await contents()).toEqual(['alpha', 'gamma'])
    expect(await settled()).toMatchObject({ state: 'done' })
  })

  it('main, force-pushed while a run waits: the newer one is applied last', async () => {
    await open()
    const first = await site.forge.world.repository.resolve('refs/heads/main')
    holdRuns()
    const held = await site.forge.push(asking('beta'))
    await settled()
    const waiting = await site.forge.push(asking('beta', 'gamma'))
    await settled()
    const other = await site.forge.world.repository.commit(first, asking('gamma'), 'instead')
    await site.forge.world.repository.update('refs/heads/main', other)
    await forget()
    await site.forge.redeliver(pushOf(other))
    release()
    expect(await site.runOf(other)).toMatchObject({ state: 'succeeded' })
    expect((await runsOf(held)).map(({ state }) => state)).toEqual(['succeeded'])
    expect((await runsOf(waiting)).map(({ state }) => state)).toEqual(['succeeded'])
    const applied = (await site.controller.client.runs({ limit: 50 })).map(({ commit }) => commit)
    expect(applied).toEqual([other, waiting, held, first])
    expect(await contents()).toEqual(['alpha', 'gamma'])
  })

  it('a pull request, force-pushed: its newest head is what can be tried', async () => {
    await open()
    const { repository } = site.forge.world
    const first = await repository.resolve('refs/heads/main')
    const opened = await site.propose(asking('beta'))
    await repository.update('refs/heads/topic1', await repository.commit(first, asking('gamma'), 'instead'))
    const other = await site.forge.push({ more: 'x' }, { branch: 'topic1' })
    await forget()
    // News of the old head come once more, and late.
    for (const delivery of site.forge.deliveries.filter(({ event }) => event === 'pull_request'))
      await site.forge.redeliver({ ...delivery, id: `${delivery.id}-late` })
    const run = await site.runOf(other)
    expect(run).toMatchObject({ goal: 'plan', state: 'succeeded', pullRequest: 1 })
    expect(await site.previewOf(run.id)).toMatchObject({ mirror: 'base' })
    expect(await site.previewOf(opened.id)).toBeUndefined()
    expect(await runsOf(opened.commit)).toHaveLength(1)
  })

  it('deleted: main stays as it was applied, a pull request is ignored with the reason', async () => {
    await open()
    const { repository } = site.forge.world
    const { hook } = site.forge
    site.forge.hook = undefined
    const commit = await site.forge.push(asking('beta'), { branch: 'short-lived' })
    await site.forge.openPull({ branch: 'short-lived' })
    site.forge.hook = hook
    await repository.update('refs/heads/short-lived', undefined)
    await repository.update('refs/pull/1/head', undefined)
    await site.forge.comment(1, 'maintainer', 'hello')
    await site.forge.label(1, 'maintainer', 'x')
    const body = (action: string) => ({
      action,
      number: 1,
      repository: { full_name: 'campus/site' },
      pull_request: { title: 'x', head: side('short-lived', commit), base: side('main', commit) },
    })
    await site.forge.redeliver({ id: 'gone-1', event: 'pull_request', text: JSON.stringify(body('opened')), status: 0 })
    expect(await settled()).toMatchObject({ state: 'ignored', reason: 'the repository has no refs/pull/1/head' })
    const applied = await repository.resolve('refs/heads/main')
    await gitAtForge('symbolic-ref', 'HEAD', 'refs/heads/elsewhere')
    await repository.update('refs/heads/main', undefined)
    await site.forge.redeliver(pushOf('f'.repeat(40)))
    expect(await settled()).toMatchObject({ state: 'ignored', reason: 'the repository has no refs/heads/main' })
    expect(await site.controller.client.runs({ limit: 50 })).toHaveLength(1)
    expect(await generation()).toBe(1)
    await repository.update('refs/heads/main', applied)
    const next = await site.forge.push(asking('beta'))
    expect(await site.runOf(next)).toMatchObject({ state: 'succeeded' })
  })
})

it('a commit that vanishes while its run waits, its files not fetched yet: told so, and the next one is applied', async () => {
  await open({ settings: { fetch: 'blobless' } })
  await gitAtForge('config', 'uploadpack.allowFilter', 'true')
  const { repository } = site.forge.world
  const first = await repository.resolve('refs/heads/main')
  holdRuns()
  const held = await site.forge.push(asking('beta'))
  await settled()
  const vanished = await site.forge.push(asking('gamma'))
  await settled()
  // Taken back, and nobody is told.
  await repository.update('refs/heads/main', await repository.commit(first, asking(), 'instead'))
  await forget()
  release()
  const run = await site.runOf(vanished)
  // What was looked at when the news came is here, and does.
  expect([undefined, 'GIT_COMMIT_GONE']).toContain(run.error?.code)
  expect((await runsOf(held))[0]).toMatchObject({ state: 'succeeded' })
  const next = await site.forge.push(asking('beta', 'gamma'))
  expect(await site.runOf(next)).toMatchObject({ state: 'succeeded' })
  expect(await contents()).toEqual(['alpha', 'beta', 'gamma'])
})

it('the commit of a pull request that vanishes before its run begins, its files not fetched yet: told so by name', async () => {
  await open({ settings: { fetch: 'blobless' } })
  await gitAtForge('config', 'uploadpack.allowFilter', 'true')
  const { repository } = site.forge.world
  const first = await repository.resolve('refs/heads/main')
  const { runs } = site.controller.larder.context
  const held = Promise.withResolvers<undefined>()
  const begin = runs.start.bind(runs)
  runs.start = async (id) => {
    await held.promise
    return begin(id)
  }
  release = () => held.resolve(undefined)
  const vanished = await site.forge.push(asking('gamma'), { branch: 'topic' })
  await site.forge.openPull({ branch: 'topic' })
  expect(await settled()).toMatchObject({ state: 'done' })
  for (const ref of ['refs/heads/topic', 'refs/pull/1/head'])
    await repository.update(ref, await repository.commit(first, { more: 'x' }, 'instead'))
  await forget()
  release()
  expect(await site.runOf(vanished)).toMatchObject({ state: 'failed', error: { code: 'GIT_COMMIT_GONE' } })
  const next = await site.forge.push(asking('beta'), { branch: 'topic' })
  expect(await site.runOf(next)).toMatchObject({ goal: 'plan', state: 'succeeded', pullRequest: 1 })
  expect(await generation()).toBe(1)
})

const side = (ref: string, sha: string) => ({ ref, sha, repo: { full_name: 'campus/site' } })

function pushOf(after: string): ForgeSite['forge']['deliveries'][number] {
  const text = JSON.stringify({ ref: 'refs/heads/main', after, repository: { full_name: 'campus/site' } })
  return { id: `push-${after.slice(0, 12)}`, event: 'push', text, status: 0 }
}
