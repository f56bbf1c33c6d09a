import { createHmac } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { createAptClient, fetchSource } from './support/apt-client.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

it('a signed delivery of GitHub is fetched from the configured repository and applied once', async () => {
  await using workspace = await openWorkspace()
  const upstream = await startUpstream({
    suites: [{ suite: 'stable', packages: ['alpha', 'beta', 'gamma'].map((name) => ({ name, version: '1.0' })) }],
  })
  try {
    const forge = await createSiteClone(workspace.path('forge'))
    const commit = (list: readonly string[]): Promise<string> =>
      forge.commit({
        'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
        'keys/test.asc': upstream.key,
        'packages.json': packageList(list),
      })
    await commit(['alpha'])
    const dataFolder = workspace.path('data')
    const config = workspace.path('controller.yaml')
    // Nobody is at the address of the API: what a delivery brings must not depend on it.
    await writeFile(
      config,
      `forge: { type: github, url: "file://${forge.folder}", repository: campus/site, api: "http://127.0.0.1:9", pollSeconds: 0 }\n`,
    )
    const options = { dataFolder, args: ['--config', config] }
    {
      await using controller = await startControllerChild(options)
      // What is there at the first start needs no delivery.
      await waitFor('the first run', async () => (await controller.client.runs({ limit: 1 }))[0])
      await waitForSuccess(controller.client)
      const client = await createAptClient(workspace.path('client'))
      await client.setSource(await fetchSource(controller.url, 'base'))
      expect((await client.update()).exitCode).toBe(0)

      const head = await commit(['alpha', 'beta'])
      const deliver = deliverer(controller, await secretOf(dataFolder))
      const answers = [
        await deliver('1', head),
        await deliver('1', head),
        await deliver('1', head),
        await deliver('2', head),
      ]
      expect(answers.map(({ status }) => status)).toEqual([202, 200, 200, 202])
      await waitFor('the run', async () => (await controller.client.runs({ limit: 9 }))[1])
      await waitForSuccess(controller.client)
      // The last delivery is settled when one after it is.
      await deliver('3', head)
      const runs = await controller.client.runs({ limit: 9 })
      expect(runs).toMatchObject([{ id: 2, commit: head, goal: 'apply', origin: 'github delivery 1' }, { id: 1 }])
      expect((await controller.client.mirror('base')).publication).toMatchObject({ generation: 2 })
      expect((await client.update()).exitCode).toBe(0)
      expect(await client.candidate('beta')).toBe('1.0')

      const forged = await deliverer(controller, 'another secret')('4', head)
      expect(forged.status).toBe(401)
      expect(await controller.client.runs({ limit: 9 })).toHaveLength(2)

      // The payload's word counts for nothing: its commit is not there, and the head is what it was.
      expect((await deliver('5', 'f'.repeat(40))).status).toBe(202)
      // A flood is settled a moment later: what is committed next is not to be found by this one.
      await waitFor('it to be settled', async () => {
        const [newest] = await controller.client.deliveries({ limit: 1 })
        return newest?.state === 'waiting' ? undefined : newest
      })

      // The forge is away: the delivery is acknowledged, so it must not be lost.
      const last = await commit(['alpha', 'beta', 'gamma'])
      await rename(forge.folder, `${forge.folder}.away`)
      expect((await deliver('6', last)).status).toBe(202)
      await controller.kill()
    }
    {
      await using controller = await startControllerChild(options)
      expect(await controller.client.runs({ limit: 9 })).toHaveLength(2)
      await rename(`${forge.folder}.away`, forge.folder)
      expect((await deliverer(controller, await secretOf(dataFolder))('7', 'f'.repeat(40))).status).toBe(202)
      await waitFor('the run of what was acknowledged', async () => (await controller.client.runs({ limit: 9 }))[2])
      const run = await waitForSuccess(controller.client)
      expect(run).toMatchObject({ id: 3, origin: 'github delivery 6' })
      expect((await controller.client.mirror('base')).packageCount).toBe(3)
    }
  } finally {
    await upstream.close()
  }
})

async function secretOf(dataFolder: string): Promise<string> {
  return (await readFile(`${dataFolder}/github-secrets`, 'utf8')).trim()
}

function deliverer({ url }: ControllerChild, secret: string) {
  return async (id: string, commit: string): Promise<Response> => {
    const body = JSON.stringify({
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: commit,
      created: false,
      deleted: false,
      forced: false,
      repository: { id: 1, full_name: 'campus/site', clone_url: 'https://attacker.example.org/x.git' },
    })
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': id,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    }
    return fetch(`${url}/hooks/github`, { method: 'POST', headers, body })
  }
}
