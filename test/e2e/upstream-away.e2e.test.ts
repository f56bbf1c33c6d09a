import { expect, it } from 'vitest'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { startInnerController } from './support/inner-controller.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const packages = () => [{ name: 'alpha', version: '1.0' }]

/** An upstream that takes a request and never answers. */
const silent = { kind: 'stall', afterBytes: -1 } as const

/** It is being worked at, or asked by too many. */
const busy = { kind: 'status', status: 503 } as const

it.each([
  ['does not give its index', /dists\//, silent],
  ['does not give its packages', /pool\//, silent],
  ['says that it is busy', /./, busy],
])('an upstream that %s holds up its own mirror alone', async (_name, pattern, fault) => {
  await using workspace = await openWorkspace()
  const upstreams = await Promise.all(
    ['one', 'two'].map(() => startUpstream({ suites: [{ suite: 'stable', packages: packages() }] })),
  )
  const [one, two] = upstreams as [(typeof upstreams)[0], (typeof upstreams)[0]]
  await using controller = await startInnerController(workspace.path('data'), { retryDelayMs: 200 })
  try {
    const clone = await createSiteClone(workspace.path('site'))
    const mirrors = { first: { upstreams: ['one'] }, second: { upstreams: ['two'] } }
    const site = larderYaml({ one: one.url, two: two.url }, mirrors)
    const keys = { 'keys/one.asc': one.key, 'keys/two.asc': two.key }
    await clone.commit({ 'larder.yaml': site, ...keys, 'packages.json': packageList(['alpha']) })
    expect((await clone.push(controller)).accepted).toBe(true)
    await waitForSuccess(controller.client)
    for (const upstream of upstreams) {
      upstream.suite('stable').packages[0] = { name: 'alpha', version: '2.0' }
      await upstream.publish()
    }
    one.fault(pattern, fault)
    await controller.client.sync()
    const versionIn = async (mirror: string): Promise<string | undefined> =>
      (await controller.client.packages(mirror))[0]?.version
    await waitFor('the other mirror', async () => ((await versionIn('second')) === '2.0' ? true : undefined))
    expect(await versionIn('first')).toBe('1.0')
    one.clearFaults()
    const id = (await controller.client.runs({ limit: 1 }))[0]!.id
    // Should it have been given up meanwhile, somebody says that it is to be tried again.
    await waitFor('the run to end', async () => {
      const { state } = await controller.client.run(id)
      if (state === 'failed') await controller.client.retryRun(id)
      return state === 'succeeded' ? true : undefined
    })
    expect(await versionIn('first')).toBe('2.0')
    const { plan } = await controller.client.run(id)
    expect(plan?.map(({ subject }) => subject).sort()).toEqual(['mirror first', 'mirror second'])
  } finally {
    for (const upstream of upstreams) await upstream.close()
  }
})
