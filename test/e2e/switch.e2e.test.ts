import { expect, it } from 'vitest'
import { startUpstream } from '../fixtures/upstream/index.ts'
import type { ControllerClient } from '../../src/app/cli/session.ts'
import { createAptClient, complaint, fetchSource, type AptClient } from './support/apt-client.ts'
import { startControllerChild } from './support/controller-child.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { unhurried } from './support/unhurried.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const publications = 200
const mirrors = ['north', 'east', 'south', 'west']
const names = ['alpha', 'beta', 'gamma', 'delta', 'epsilon']

it(`apt-get update never sees a mismatch through ${publications} publications, promotes and rollbacks`, async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({
    suites: [{ suite: 'stable', packages: names.map((name) => ({ name, version: '1.0' })) }],
  })
  try {
    await using controller = await startControllerChild({ dataFolder: workspace.path('data') })
    const site = await createSiteClone(workspace.path('site'))
    const push = async (listed: readonly string[]): Promise<void> => {
      await site.commit({
        'larder.yaml': larderYaml({ test: upstream.url }, Object.fromEntries(mirrors.map((name) => [name, {}]))),
        'keys/test.asc': upstream.key,
        'packages.json': packageList(listed),
      })
      const result = await site.push(controller)
      expect(result.accepted, result.output).toBe(true)
    }
    for (const count of [1, 2]) {
      await push(names.slice(0, count))
      await waitForSuccess(controller.client)
    }
    const sources = await Promise.all(mirrors.map((mirror) => fetchSource(controller.url, mirror)))
    const updating = await createAptClient(workspace.path('updating'))
    const installing = await createAptClient(workspace.path('installing'))
    await updating.setSource(sources.join('\n'))
    await installing.setSource(sources[0]!)

    const done = new AbortController()
    const loops = [watch(updating, done.signal), watch(installing, done.signal, 'alpha')]
    try {
      await Promise.all([pushOften(push), ...mirrors.map((mirror) => moveOften(controller.client, mirror))])
      // Some of it came to what was published already, which is no publication: the rest one after another.
      for (let more = 0; (await countPublications(controller.client)) < publications && more < 50; more++)
        await moveOften(controller.client, mirrors[more % mirrors.length]!, 2)
    } finally {
      done.abort()
    }
    for (const { failures, rounds } of await Promise.all(loops)) {
      expect(failures).toEqual([])
      expect(rounds).toBeGreaterThan(10)
    }
    await waitForSuccess(controller.client)
    expect(await countPublications(controller.client)).toBeGreaterThanOrEqual(publications)
    for (const mirror of mirrors) expect(await controller.client.verify(mirror)).toEqual([])
  } finally {
    await upstream.close()
  }
})

/** Each push publishes every mirror anew, while they are being moved to and fro. */
async function pushOften(push: (listed: readonly string[]) => Promise<void>): Promise<void> {
  for (let count = 0; count < publications / 4 / mirrors.length; count++)
    await push(names.slice(0, 1 + (count % names.length)))
}

async function countPublications(client: ControllerClient): Promise<number> {
  const details = await Promise.all(mirrors.map((mirror) => client.mirror(mirror)))
  return details.reduce((sum, { publication }) => sum + (publication?.generation ?? 0), 0)
}

async function moveOften(
  client: ControllerClient,
  mirror: string,
  times = (publications * 3) / 4 / mirrors.length,
): Promise<void> {
  for (let count = 0; count < times; count++) {
    const newest = (await client.snapshots(mirror)).length
    await unhurried(() => (count % 2 === 0 ? client.promote(mirror, 1 + (count % newest)) : client.rollback(mirror)))
  }
}

/** `apt-get update` again and again, and a download of `packageName`: what apt said when it was not content. */
async function watch(
  client: AptClient,
  stop: AbortSignal,
  packageName?: string,
): Promise<{ rounds: number; failures: string[] }> {
  const failures: string[] = []
  let rounds = 0
  for (; !stop.aborted; rounds++) {
    const said = [await client.update()]
    if (packageName !== undefined) {
      await client.aptGet('clean')
      said.push(await client.download(packageName))
    }
    failures.push(
      ...said.filter(({ exitCode, output }) => exitCode !== 0 || complaint.test(output)).map(({ output }) => output),
    )
  }
  return { rounds, failures }
}
