import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ForgeName } from '../../src/forge/index.ts'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { openForgeSite, type ForgeSite } from './support/open-forge-site.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor } from './support/wait-for-run.ts'

let upstream: Upstream
let site: ForgeSite
beforeEach(async () => {
  const packages = ['alpha', 'beta', 'gamma'].map((name) => ({ name, version: '1.0' }))
  upstream = await startUpstream({ suites: [{ suite: 'stable', packages }] })
})
afterEach(async () => {
  await site[Symbol.asyncDispose]()
  await upstream.close()
})

async function open(forge: ForgeName): Promise<void> {
  const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), 'keys/test.asc': upstream.key }
  site = await openForgeSite({ forge, files: { ...files, 'packages.json': packageList(['alpha']) } })
}

/** How the news of what people did come to Larder. */
type Messenger = (act: () => Promise<string>) => Promise<string>

const byWebhook: Messenger = (act) => act()

/** Each delivery once more, the last one first. */
const byWebhookAgainAndAgain: Messenger = async (act) => {
  const { forge } = site
  const before = forge.deliveries.length
  const commit = await act()
  for (const delivery of forge.deliveries.slice(before).reverse()) await forge.redeliver(delivery)
  return commit
}

/** All webhooks are lost. */
const byPolling: Messenger = async (act) => {
  const { forge, controller } = site
  const { hook } = forge
  forge.hook = undefined
  const commit = await act()
  await controller.larder.news.poll()
  forge.hook = hook
  return commit
}

const contents = async (): Promise<string[]> =>
  (await site.controller.client.packages('base')).map(({ name }) => name).sort()

/** Of what is still under way: GitLab says running, all others pending. */
const underWay = new Set(['pending', 'running'])

const reported = (commit: string) =>
  waitFor(`what is reported of ${commit.slice(0, 12)}`, () => {
    const last = site.forge.world.statuses.findLast((one) => one.commit === commit)
    return Promise.resolve(last === undefined || underWay.has(last.state) ? undefined : last)
  })

const names = ['github', 'gitlab', 'gitea'] as const
const ways = [
  ['by webhook', byWebhook],
  ['by webhooks that come twice and in disorder', byWebhookAgainAndAgain],
  ['by polling alone', byPolling],
] as const

it.each(names.flatMap((name) => ways.map(([way, tell]) => ({ name, way, tell }))))(
  '$name, $way: a pull request is planned and shown, its merge applied once and reported',
  async ({ name, tell }) => {
    await open(name)
    const { forge } = site
    const proposed = await tell(async () => {
      const commit = await forge.push({ 'packages.json': packageList(['alpha', 'beta']) }, { branch: 'topic' })
      await forge.openPull({ branch: 'topic' })
      return commit
    })
    const plan = await site.runOf(proposed)
    expect(plan).toMatchObject({ goal: 'plan', state: 'succeeded', pullRequest: 1 })
    expect(await reported(proposed)).toMatchObject({ state: 'success' })
    const comment = await waitFor('the comment', () =>
      Promise.resolve(forge.world.comments.find(({ pull }) => pull === 1)),
    )
    expect(comment.text).toContain('beta')
    expect(await contents()).toEqual(['alpha'])

    const merged = await tell(() => forge.merge(1))
    expect(await site.runOf(merged)).toMatchObject({ goal: 'apply', state: 'succeeded' })
    expect(await reported(merged)).toMatchObject({ state: 'success' })
    expect(await contents()).toEqual(['alpha', 'beta'])

    // Whoever looks once more finds nothing to do.
    await site.controller.larder.news.poll()
    await waitFor('all to be settled', async () => {
      const deliveries = await site.controller.client.deliveries({ limit: 100 })
      return deliveries.every(({ state }) => state !== 'waiting') ? true : undefined
    })
    const runs = await site.controller.client.runs({ limit: 50 })
    expect(runs.map(({ goal, commit }) => [goal, commit])).toEqual([
      ['apply', merged],
      ['plan', proposed],
      ['apply', expect.any(String) as string],
    ])
    expect((await site.controller.client.mirror('base')).publication).toMatchObject({ generation: 2 })
    expect(forge.world.comments.filter(({ pull }) => pull === 1)).toHaveLength(1)
    // GitLab takes a state that is under way once only.
    expect(forge.server.faults.filter((fault) => !fault.includes('Cannot transition'))).toEqual([])
  },
)

it.each(names.flatMap((name) => ways.map(([way, tell]) => ({ name, way, tell }))))(
  '$name, $way: a fork that names another upstream waits for the word of somebody who may merge',
  async ({ name, tell }) => {
    await open(name)
    const { forge } = site
    const elsewhere = upstream.url.replace('127.0.0.1', 'localhost')
    const proposed = await tell(async () => {
      const where = { branch: 'topic', fork: 'alice/site' }
      const commit = await forge.push({ 'larder.yaml': larderYaml({ test: elsewhere }, { base: {} }) }, where)
      await forge.openPull({ ...where, author: 'alice' })
      return commit
    })
    const waiting = await site.runOf(proposed)
    expect(waiting).toMatchObject({ trust: 'untrusted', error: { code: 'FORK_NEEDS_APPROVAL' } })
    const comment = await waitFor('the comment', () =>
      Promise.resolve(forge.world.comments.find(({ text }) => text.includes('/larder ok'))),
    )
    const [word = ''] = /\/larder ok [0-9a-f]+/.exec(comment.text) ?? []
    const say = (by: string): Promise<string> => tell(() => forge.comment(1, by, word).then(() => proposed))
    await say('alice')
    await say('maintainer')
    expect(await site.runOf(proposed, ({ trust }) => trust === 'trusted')).toMatchObject({ state: 'succeeded' })
    const [pull] = await site.controller.client.pullRequests({ limit: 1 })
    expect(pull).toMatchObject({ fromFork: true, approvedBy: 'maintainer', approvedCommit: proposed })
    expect(await reported(proposed)).toMatchObject({ name: 'larder', state: 'success' })
  },
)
