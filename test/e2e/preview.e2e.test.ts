import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRpmUpstream } from '../fixtures/rpm-upstream/index.ts'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { createAptClient, fetchSource, type AptClient } from './support/apt-client.ts'
import { createDnfClient, dnfComplaint, fetchRepo } from './support/dnf-client.ts'
import { openForgeSite, type ForgeSite, type ForgeSiteOptions } from './support/open-forge-site.ts'
import { rpmSiteText } from './support/open-rpm-site.ts'
import { larderYaml, packageList } from './support/site-text.ts'

const dayMs = 24 * 3600_000

describe('previews of an APT mirror', () => {
  let upstream: Upstream
  let site: ForgeSite | undefined
  let clients: number
  beforeEach(async () => {
    // What cannot be compressed, so that its size is known.
    const packages = ['alpha', 'beta', 'gamma'].map((name) => {
      return { name, version: '1.0', files: { [`usr/share/${name}`]: randomBytes(400_000) } }
    })
    upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
    clients = 0
  })
  afterEach(async () => {
    await site?.[Symbol.asyncDispose]()
    site = undefined
    await upstream.close()
  })

  const open = async (options: Omit<ForgeSiteOptions, 'files'> = {}): Promise<ForgeSite> => {
    const text = larderYaml({ test: upstream.url }, { base: {} })
    const files = { 'larder.yaml': text, 'keys/test.asc': upstream.key, 'packages.json': packageList(['alpha']) }
    return (site = await openForgeSite({ files, ...options }))
  }
  const asking = (...names: string[]) => ({ 'packages.json': packageList(['alpha', ...names]) })
  const clientOf = async (url: string): Promise<AptClient> => {
    const client = await createAptClient(site!.workspace.path(`client${++clients}`))
    await client.setSource(await fetchSource(url, 'base'))
    return client
  }
  const debsAsked = () => upstream.requests.filter(({ path }) => path.endsWith('.deb')).length

  it('apt installs from one before the merge; the merge fetches nothing again', async () => {
    const { controller, forge, propose, previewOf, runOf } = await open()
    const mirror = await clientOf(controller.url)
    const run = await propose(asking('beta'))
    expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded', goal: 'plan' })
    const preview = await previewOf(run.id)
    expect(preview).toMatchObject({ pullRequest: run.pull, mirror: 'base', format: 'apt' })
    const base = `${controller.url}/preview/${run.id}`
    const tried = await clientOf(base)
    expect(await tried.update()).toMatchObject({ exitCode: 0 })
    const { exitCode, output, debs } = await tried.download('beta')
    expect(exitCode, output).toBe(0)
    expect(debs).toEqual(['beta_1.0_amd64.deb'])
    expect((await mirror.update()).exitCode).toBe(0)
    expect(await mirror.candidate('beta')).toBeUndefined()

    const before = debsAsked()
    const merged = await runOf(await forge.merge(run.pull))
    expect(merged, JSON.stringify(merged.error)).toMatchObject({ state: 'succeeded', goal: 'apply' })
    expect(debsAsked()).toBe(before)
    expect((await mirror.update()).exitCode).toBe(0)
    expect((await mirror.download('beta')).debs).toEqual(['beta_1.0_amd64.deb'])
    expect(await controller.client.previews()).toEqual([])
    expect((await fetch(`${base}/setup/base`)).status).toBe(404)
    expect((await (await clientOf(controller.url)).update()).exitCode).toBe(0)
  })

  it('whoever trusts the mirror does not trust a preview, or the other way round', async () => {
    const { controller, propose } = await open()
    const run = await propose(asking('beta'))
    const base = `${controller.url}/preview/${run.id}`
    const [mine, theirs] = [await fetchSource(controller.url, 'base'), await fetchSource(base, 'base')]
    const crossed: [string, string, string][] = [
      [mine, `${controller.url}/apt/base`, `${base}/apt/base`],
      [theirs, `${base}/apt/base`, `${controller.url}/apt/base`],
    ]
    for (const [source, from, to] of crossed) {
      expect(source).toContain(from)
      const client = await createAptClient(site!.workspace.path(`client${++clients}`))
      await client.setSource(source.replace(from, to))
      const { exitCode, output } = await client.update()
      expect(exitCode).not.toBe(0)
      expect(output).toMatch(/NO_PUBKEY|Missing key|signatures couldn't be verified|not signed/)
    }
  })

  it('one that has expired is not served, and gc takes what only it had', async () => {
    const { controller, propose } = await open({ previews: { keepDays: 2 } })
    const run = await propose(asking('beta'))
    const base = `${controller.url}/preview/${run.id}`
    const deb = `${base}/apt/base/dists/stable/InRelease`
    expect((await fetch(deb)).status).toBe(200)
    await controller.client.collectGarbage()
    expect((await (await clientOf(base)).update()).exitCode).toBe(0)
    site!.clockOffsetMs = 2 * dayMs + 1000
    expect((await fetch(deb)).status).toBe(404)
    expect((await fetch(`${base}/setup/base`)).status).toBe(404)
    const { context } = controller.larder
    expect(await context.previews.expire(context.previewQuota)).toBe(1)
    expect((await controller.client.collectGarbage()).removed).toBeGreaterThan(0)
    expect(await controller.client.verify('base')).toEqual([])
  })

  it('more than are allowed: the oldest go; too large: none is made, and it is said', async () => {
    const { controller, propose } = await open({ previews: { max: 2, perRunMB: 0.6 } })
    // Within one second, the same files would be the same commit.
    const again = { ...asking('beta'), 'again.txt': 'x' }
    const runs = [await propose(asking('beta')), await propose(asking('gamma')), await propose(again)]
    const kept = (await controller.client.previews()).map(({ run }) => run)
    expect(kept).toEqual([runs[2]!.id, runs[1]!.id])
    expect((await fetch(`${controller.url}/preview/${runs[0]!.id}/setup/base`)).status).toBe(404)
    const large = await propose(asking('beta', 'gamma'))
    expect(large).toMatchObject({ state: 'succeeded' })
    expect(await site!.previewOf(large.id)).toBeUndefined()
  })

  it('what a run may take is for all its mirrors together', async () => {
    const { propose, previewOf, controller } = await open({ previews: { perRunMB: 0.6 } })
    const text = larderYaml({ test: upstream.url }, { base: {}, other: {} })
    const run = await propose({ 'larder.yaml': text, ...asking('beta') })
    expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' })
    expect(run.plan?.map(({ subject }) => subject)).toEqual(['mirror base', 'mirror other'])
    expect(await previewOf(run.id)).toMatchObject({ mirror: 'base' })
    const log = (await controller.larder.context.runs.readLog(run.id, 0)).map(({ message }) => message)
    expect(log.join('\n')).toMatch(/no preview of mirror other: 1\.2 MB would be fetched, and 600\.0 kB are allowed/)
    expect(await controller.client.removePreviews(run.id)).toBe(1)
    expect(await controller.client.previews()).toEqual([])
    expect((await fetch(`${controller.url}/preview/${run.id}/apt/base/dists/stable/InRelease`)).status).toBe(404)
  })

  it('what a fork may add is for all its mirrors together', async () => {
    const { controller, propose, previewOf } = await open({ forks: { maxPackages: 2 } })
    const both = larderYaml({ test: upstream.url }, { base: {}, other: {} })
    const run = await propose({ 'larder.yaml': both, ...asking('beta') }, { fork: 'alice/site' })
    expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded', trust: 'untrusted' })
    expect(await previewOf(run.id)).toBeUndefined()
    const log = (await controller.larder.context.runs.readLog(run.id, 0)).map(({ message }) => message).join('\n')
    expect(log).toMatch(/no preview of mirror base: 3 packages would come in all, and 2 are allowed/)
    expect(log).toMatch(/no preview of mirror other: 3 packages would come in all/)
    const one = await propose(asking('beta', 'gamma'), { fork: 'alice/site' })
    expect(await previewOf(one.id)).toMatchObject({ mirror: 'base' })
  })

  it('a fork: within its quota, at the upstreams of main, until a maintainer vouches for the commit', async () => {
    const { controller, forge, propose, previewOf, runOf } = await open({ forks: { maxPackages: 1 } })
    const small = await propose(asking('beta'), { fork: 'alice/site' })
    expect(small).toMatchObject({ state: 'succeeded', trust: 'untrusted' })
    expect((await (await clientOf(`${controller.url}/preview/${small.id}`)).update()).exitCode).toBe(0)
    const large = await propose(asking('beta', 'gamma'), { fork: 'alice/site' })
    expect(large).toMatchObject({ state: 'succeeded' })
    expect(await previewOf(large.id)).toBeUndefined()

    await using elsewhere = await startUpstreamDisposable()
    const changed = larderYaml({ test: elsewhere.url }, { base: {} })
    const refused = await propose({ 'larder.yaml': changed, 'keys/test.asc': elsewhere.key }, { fork: 'alice/site' })
    expect(refused).toMatchObject({ state: 'failed', error: { code: 'FORK_NEEDS_APPROVAL' } })
    expect(elsewhere.requests).toEqual([])
    await forge.comment(refused.pull, 'alice', '/larder ok')
    await controller.larder.news.settleDeliveries()
    await controller.larder.context.runner.idle()
    expect(elsewhere.requests).toEqual([])

    await forge.comment(large.pull, 'maintainer', '/larder ok')
    const vouched = await runOf(large.commit, (run) => run.trust === 'trusted')
    expect(vouched).toMatchObject({ state: 'succeeded' })
    const client = await clientOf(`${controller.url}/preview/${vouched.id}`)
    await client.update()
    expect((await client.download('gamma')).debs).toEqual(['gamma_1.0_amd64.deb'])
  })
})

type Disposable = Upstream & AsyncDisposable

async function startUpstreamDisposable(): Promise<Disposable> {
  const packages = [{ name: 'alpha', version: '9' }]
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
  return Object.assign(upstream, { [Symbol.asyncDispose]: () => upstream.close() })
}

it('dnf installs from a preview of an RPM mirror, every signature checked', async () => {
  const packages = ['one', 'two', 'three'].map((name) => ({ name, version: '1', release: '1' }))
  const upstream = await startRpmUpstream({ packages })
  try {
    const files = { 'larder.yaml': rpmSiteText(upstream.url, {}), 'keys/vendor.asc': upstream.key }
    await using site = await openForgeSite({ files: { ...files, 'packages.json': '["one"]\n' } })
    const run = await site.propose({ 'packages.json': '["one", "two"]\n' })
    expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' })
    const preview = `${site.controller.url}/preview/${run.id}`
    const client = await createDnfClient(site.workspace.path('client'))
    await client.setRepo(await fetchRepo(preview, 'el9'))
    const made = await client.install('two')
    expect(made.exitCode, made.output).toBe(0)
    expect(made.output).not.toMatch(dnfComplaint)
    expect(await client.installed()).toEqual(['two-1-1.x86_64'])
    const mirror = await createDnfClient(site.workspace.path('mirror'))
    await mirror.setRepo(await fetchRepo(site.controller.url, 'el9'))
    expect(await mirror.available()).toEqual(['one-1-1.x86_64'])
    await site.runOf(await site.forge.merge(run.pull))
    expect(await mirror.available()).toEqual(['one-1-1.x86_64', 'two-1-1.x86_64'])
  } finally {
    await upstream.close()
  }
})
