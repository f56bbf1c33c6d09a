import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { expectNoProcess, isRunning } from '../../src/oci/testing/processes.ts'
import { startControllerChild } from './support/controller-child.ts'
import { freePort } from './support/free-port.ts'
import { createRandom } from './support/random.ts'
import { createRegistryClient, sha256Of, type PushedImage } from './support/registry-client.ts'
import { createSiteClone } from './support/site-clone.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const kills = 4

it('killed at any moment of a build: it is built at last, published once, and nothing is left over', async () => {
  await using workspace = await openWorkspace()
  const random = createRandom(11)
  const [dataFolder, port] = [workspace.path('data'), await freePort()]
  const site = await createSiteClone(workspace.path('site'))
  await mkdir(join(site.folder, 'counter'))
  await copyFile('/bin/busybox', join(site.folder, 'counter/busybox'))
  // No other process of this host sleeps for just so long.
  const sleep = `sleep 1.${process.pid}`
  await site.commit({
    'larder.yaml': 'site: factory\nimages: { list: images.json }\n',
    'images.json': JSON.stringify([{ service_name: 'counter', type: 'Docker', version: '1.0' }]),
    'counter/Dockerfile': `FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\nRUN /bin/busybox ${sleep}\nRUN /bin/busybox ${sleep}\nCMD ["/bin/busybox"]\n`,
  })
  let isPushed = false
  const pids: number[] = []
  for (let round = 0; round < kills; round++) {
    const controller = await startControllerChild({ dataFolder, port })
    pids.push(controller.pid)
    try {
      isPushed ||= (await site.push(controller)).accepted
      // Every second time in the middle of an instruction, else wherever it is.
      if (round % 2 === 0) await waitFor('the build', async () => ((await isRunning(sleep)) ? true : undefined))
      else await wait(random.below(2500))
    } finally {
      await controller.kill()
    }
    await expectNoProcess(sleep)
  }
  expect(isPushed).toBe(true)
  const controller = await startControllerChild({ dataFolder, port })
  try {
    await waitForSuccess(controller.client, 120_000)
    const image = await controller.client.image('counter')
    expect(image).toMatchObject({ state: 'published', version: '1.0' })
    expect(image.builds.filter(({ state }) => state === 'published')).toHaveLength(1)
    expect(image.builds.filter(({ state }) => state === 'building')).toEqual([])
    expect(image.proofs).toHaveLength(3)
    expect(await controller.client.verifyImage('counter', '1.0')).toEqual([])
  } finally {
    expect(await controller.stop()).toBe(0)
  }
  expect(await readdir(join(dataFolder, 'builds')).catch(() => [])).toEqual([])
  expect(await namesOf(join(dataFolder, 'cache/builds/buildah'), /^work-/)).toEqual([])
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
  expect(mounts.filter((line) => line.includes(dataFolder))).toEqual([])
  const groups = await readdir('/sys/fs/cgroup', { recursive: true }).catch(() => [])
  expect(groups.filter((name) => pids.some((pid) => name.includes(`larder-build-${pid}-`)))).toEqual([])
})

async function namesOf(folder: string, pattern: RegExp): Promise<string[]> {
  return (await readdir(folder)).filter((name) => pattern.test(name))
}

it('killed at any moment of gc: what is tagged stays pullable, and a later gc takes all the rest', async () => {
  await using workspace = await openWorkspace()
  const random = createRandom(12)
  const [dataFolder, port] = [workspace.path('data'), await freePort()]
  const kept: PushedImage[] = []
  for (let round = 0; round <= kills; round++) {
    const controller = await startControllerChild({ dataFolder, port })
    const client = createRegistryClient(controller.url, { authorization: `Bearer ${controller.token}` })
    try {
      for (const image of kept) {
        for (const blob of [image.config, image.layer]) {
          const { status, body } = await client.ask('GET', `/v2/team/app/blobs/${blob}`)
          expect([status, sha256Of(body)]).toEqual([200, blob])
        }
      }
      if (round === kills) break
      kept.push(await client.pushImage('team/app', `v${round}`, `kept ${round}`))
      const push = (_: unknown, number: number) => client.pushImage('team/app', 'moving', `${round} ${number}`)
      const pushed = await Promise.all(Array.from({ length: 20 }, push))
      const removed = pushed.filter((_, number) => number % 3 === 0)
      await Promise.all(removed.map(({ digest }) => client.ask('DELETE', `/v2/team/app/manifests/${digest}`)))
    } finally {
      client.close()
      await controller.stop()
    }
    // As if all of it had been pushed days ago.
    makeOld(dataFolder)
    const collecting = await startControllerChild({ dataFolder, port })
    const gc = collecting.client.collectGarbage().then(
      () => undefined,
      () => undefined,
    )
    await wait(random.below(120))
    await collecting.kill()
    await gc
  }
  makeOld(dataFolder)
  const controller = await startControllerChild({ dataFolder, port })
  try {
    await controller.client.collectGarbage()
  } finally {
    await controller.stop()
  }
  const database = new DatabaseSync(join(dataFolder, 'larder.db'))
  const rows = database.prepare('SELECT DISTINCT store_digest FROM oci_blobs').all() as { store_digest: string }[]
  const manifests = database.prepare('SELECT digest FROM oci_manifests ORDER BY digest').all()
  const tagged = database.prepare('SELECT DISTINCT digest FROM oci_tags ORDER BY digest').all()
  database.close()
  expect(manifests).toEqual(tagged)
  expect(manifests.length).toBeGreaterThanOrEqual(kept.length)
  const files = await readdir(join(dataFolder, 'blobs'), { recursive: true, withFileTypes: true })
  const stored = files.filter((file) => file.isFile()).map(({ name }) => name)
  expect(stored.sort()).toEqual(rows.map(({ store_digest }) => store_digest.replace(/^\w+:/, '')).sort())
})

function makeOld(dataFolder: string): void {
  const database = new DatabaseSync(join(dataFolder, 'larder.db'))
  const old = new Date(Date.now() - 3 * 86_400_000).toISOString()
  for (const table of ['oci_blobs', 'oci_manifests']) database.prepare(`UPDATE ${table} SET used_at = ?`).run(old)
  database.close()
}
