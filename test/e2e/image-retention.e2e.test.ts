import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startOpenRegistry } from './support/open-registry.ts'
import { createRegistryClient } from './support/registry-client.ts'
import { createSiteClone } from './support/site-clone.ts'
import { waitFor } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const dayMs = 86_400_000

it('of an image the newest versions stay, with what is said about them, and tags of others; the bytes of the rest go', async () => {
  await using workspace = await openWorkspace()
  await using registry = await startOpenRegistry({ openRegistry: false })
  const { client } = registry
  const site = await createSiteClone(workspace.path('site'))
  await mkdir(join(site.folder, 'counter'))
  await copyFile('/bin/busybox', join(site.folder, 'counter/busybox'))
  const layers: string[] = []
  for (const version of ['1.0', '1.1', '1.2']) {
    await site.commit({
      'larder.yaml': 'site: factory\nimages: { list: images.json, keep: { versions: 2 } }\n',
      'images.json': JSON.stringify([{ service_name: 'counter', type: 'Docker', version }]),
      'counter/Dockerfile': `FROM scratch\nCOPY busybox /bin/busybox-${version}\n`,
    })
    const pushed = await site.push(registry)
    expect(pushed.accepted, pushed.output).toBe(true)
    const manifest = await waitFor(
      version,
      async () => {
        const { status, json } = await client.ask('GET', `/v2/counter/manifests/${version}`)
        return status === 200 ? json<{ layers: { digest: string }[] }>() : undefined
      },
      120_000,
    )
    layers.push(manifest.layers[0]!.digest)
  }
  const admin = createRegistryClient(registry.url, { authorization: `Bearer ${registry.token}` })
  await admin.pushImage('counter', 'mine', 'pushed by somebody')
  admin.close()
  // What has lost its tag is kept for another day.
  for (let days = 0; days < 3; days++) {
    registry.clockOffsetMs += 1.1 * dayMs
    await registry.collectGarbage()
  }
  const { tags } = (await client.ask('GET', '/v2/counter/tags/list')).json<{ tags: string[] }>()
  expect(tags.filter((tag) => !tag.startsWith('sha256-'))).toEqual(['1.1', '1.2', 'mine'])
  expect(tags.filter((tag) => tag.endsWith('.sig'))).toHaveLength(2)
  const stored = (await readdir(join(registry.folder, 'blobs'), { recursive: true })).join('\n')
  const isStored = layers.map((digest) => stored.includes(digest.slice('sha256:'.length)))
  expect(isStored).toEqual([false, true, true])
})
