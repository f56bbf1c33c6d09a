import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { createRegistryClient, imageType, layerType, configType, sha256Of } from './support/registry-client.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

/** A registry that reads another through, as `hub`. */
async function startCache(workspace: Workspace, url: string, more = ''): Promise<OpenRegistry> {
  const configFile = workspace.path('controller.yaml')
  await writeFile(configFile, `registry: { cache: { hub: { url: '${url}', tagMinutes: 0${more} } } }\n`)
  return startOpenRegistry({ configFile })
}

const skopeo = async (workspace: Workspace, ...args: string[]): Promise<string> => {
  await writeFile(workspace.path('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  const env = { PATH: process.env['PATH'], HOME: workspace.folder, XDG_RUNTIME_DIR: workspace.folder }
  const all = ['--policy', workspace.path('policy.json'), ...args]
  return (await execa('skopeo', all, { env, extendEnv: false, stdin: 'ignore', timeout: 60_000 })).stdout
}

it('skopeo pulls through it: an image, again while the other is away, and what changed when it is back', async () => {
  await using workspace = await openWorkspace()
  await using origin = await startOpenRegistry({ openRegistry: false })
  await writeFile(workspace.path('password'), `${origin.token}\n`)
  const asAdmin = createRegistryClient(origin.url, { authorization: `Bearer ${origin.token}` })
  const layer = randomBytes(3_000_000)
  const first = await push(asAdmin, layer, 'stays')
  expect(await push(asAdmin, layer, 'moves')).toBe(first)
  const login = `, user: admin, passwordFile: ${workspace.path('password')}`
  await using cache = await startCache(workspace, origin.url, login)
  const { host } = new URL(cache.url)
  const copy = (tag: string, name: string) =>
    skopeo(
      workspace,
      'copy',
      '--src-tls-verify=false',
      `docker://${host}/hub/team/app:${tag}`,
      `dir:${workspace.path(name)}`,
    )
  await copy('stays', 'first')
  await copy('moves', 'second')
  const held = await cache.client.ask('GET', `/v2/hub/team/app/blobs/${sha256Of(layer)}`, {
    headers: { range: 'bytes=2999990-' },
  })
  expect([held.status, held.body]).toEqual([206, layer.subarray(2_999_990)])
  expect((await cache.client.ask('POST', '/v2/hub/team/app/blobs/uploads/')).status).toBe(403)
  await cache.collectGarbage()

  const second = await push(asAdmin, randomBytes(1000), 'moves')
  asAdmin.close()
  expect((await cache.client.ask('HEAD', '/v2/hub/team/app/manifests/moves')).headers['docker-content-digest']).toBe(
    second,
  )
  await origin[Symbol.asyncDispose]()
  // It was asked what the tag means now, and then its layers were not fetched: they are away with the other registry.
  await expect(copy('moves', 'third')).rejects.toThrow(/cannot be used|502/)
  await copy('stays', 'fourth')
  const inspected = await cache.client.ask('GET', `/v2/hub/team/app/manifests/${first}`)
  expect([inspected.status, sha256Of(inspected.body)]).toEqual([200, first])
  const byDigest = `docker://${host}/hub/team/app@${first}`
  await skopeo(workspace, 'copy', '--src-tls-verify=false', byDigest, `dir:${workspace.path('fifth')}`)
})

/** Answers the digest of the manifest. */
async function push(client: ReturnType<typeof createRegistryClient>, layer: Buffer, tag: string): Promise<string> {
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
  const [configDigest, layerDigest] = [
    await client.pushBlob('team/app', config),
    await client.pushBlob('team/app', layer),
  ]
  return client.pushManifest('team/app', tag, {
    schemaVersion: 2,
    mediaType: imageType,
    config: { mediaType: configType, digest: configDigest, size: config.length },
    layers: [{ mediaType: layerType, digest: layerDigest, size: layer.length }],
  })
}

it('what a hostile registry answers instead is refused, and kept from no right answer later', async () => {
  await using workspace = await openWorkspace()
  const layer = Buffer.from('the right bytes')
  const config = Buffer.from('{}')
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: imageType,
      config: { mediaType: configType, digest: sha256Of(config), size: config.length },
      layers: [{ mediaType: layerType, digest: sha256Of(layer), size: layer.length }],
    }),
  )
  const content = new Map([
    [`/v2/app/manifests/1`, manifest],
    [`/v2/app/manifests/${sha256Of(manifest)}`, manifest],
    [`/v2/app/blobs/${sha256Of(layer)}`, layer],
  ])
  let isHostile = true
  const hostile = createServer(({ url = '' }, response) => {
    const bytes = content.get(url)
    const sent = bytes && isHostile && url.includes('/blobs/') ? Buffer.from('the wrong bytes') : bytes
    const headers = { 'content-type': imageType, 'docker-content-digest': sha256Of(manifest) }
    response.writeHead(sent === undefined ? 404 : 200, headers).end(sent)
  }).listen(0, '127.0.0.1')
  await once(hostile, 'listening')
  try {
    await using cache = await startCache(workspace, `http://127.0.0.1:${(hostile.address() as AddressInfo).port}`)
    const path = `/v2/hub/app/blobs/${sha256Of(layer)}`
    expect((await cache.client.ask('GET', '/v2/hub/app/manifests/1')).status).toBe(200)
    const refused = await cache.client.ask('GET', path)
    expect([refused.status, refused.errorCode()]).toEqual([502, 'OCI_ORIGIN_WRONG'])
    isHostile = false
    const right = await cache.client.ask('GET', path)
    expect([right.status, right.body]).toEqual([200, layer])
    const forged = sha256Of('another manifest')
    content.set(`/v2/app/manifests/${forged}`, manifest)
    const other = await cache.client.ask('GET', `/v2/hub/app/manifests/${forged}`)
    expect([other.status, other.errorCode()]).toEqual([502, 'OCI_ORIGIN_WRONG'])
    expect((await cache.client.ask('GET', '/v2/hub/app/manifests/unknown')).status).toBe(404)
  } finally {
    hostile.closeAllConnections()
    hostile.close()
  }
})
