import { writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startOpenRegistry } from './support/open-registry.ts'
import { openWorkspace } from './support/workspace.ts'

it('/metrics says what the registry holds, and what gc took', async () => {
  await using registry = await startOpenRegistry()
  const { client } = registry
  await client.pushImage('team/app', '1', 'layer')
  await client.pushImage('team/other', '1', 'layer')
  const loose = Buffer.from('of no manifest')
  await client.pushBlob('team/app', loose)
  await client.ask('POST', '/v2/team/app/blobs/uploads/')
  const read = async (): Promise<string> => (await fetch(`${registry.url}/metrics`)).text()
  const before = await read()
  // Config and layer, which both images have, and the loose one.
  expect(before).toMatch(/^larder_registry_blobs 3$/m)
  const bytes = JSON.stringify({ made: 'layer' }).length + 'layer'.length + loose.length
  expect(before).toMatch(new RegExp(`^larder_registry_blob_bytes ${bytes}$`, 'm'))
  for (const line of ['repositories 2', 'tags 2', 'manifests 2', 'uploads 1']) {
    expect(before).toMatch(new RegExp(`^larder_registry_${line}$`, 'm'))
  }
  for (const line of ['image_builds_total{outcome="failed"} 0', 'gc_runs_total 0']) {
    expect(before).toContain(`\nlarder_${line}\n`)
  }
  registry.clockOffsetMs = 25 * 3600_000
  await registry.collectGarbage()
  const after = await read()
  expect(after).toMatch(/^larder_gc_runs_total 1$/m)
  expect(after).toMatch(new RegExp(`^larder_gc_freed_bytes_total ${loose.length}$`, 'm'))
})

it('a disk that is to keep more room than it has takes no uploads, and goes on with all else', async () => {
  await using workspace = await openWorkspace()
  const folder = workspace.path('data')
  const digest = await (async () => {
    await using before = await startOpenRegistry({ folder })
    return (await before.client.pushImage('team/app', '1', 'layer')).digest
  })()
  await writeFile(workspace.path('controller.yaml'), 'registry: { minFreeMB: 1000000000 }\n')
  await using registry = await startOpenRegistry({ folder, configFile: workspace.path('controller.yaml') })
  const { client } = registry
  const refused = await client.ask('POST', '/v2/team/app/blobs/uploads/')
  expect([refused.status, refused.errorCode()]).toEqual([507, 'DISK_FULL'])
  const manifest = await client.ask('GET', '/v2/team/app/manifests/1')
  expect(manifest.headers['docker-content-digest']).toBe(digest)
  const headers = { 'content-type': String(manifest.headers['content-type']) }
  const tagged = await client.ask('PUT', '/v2/team/app/manifests/2', { headers, body: manifest.body })
  expect(tagged.status).toBe(201)
  const ailments = await fetch(`${registry.url}/api/v1/doctor`, {
    method: 'POST',
    headers: { authorization: `Bearer ${registry.token}`, 'content-type': 'application/json' },
    body: '{}',
  })
  expect(await ailments.text()).toContain('registry.minFreeMB')
})
