import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from './support/free-port.ts'
import { larderProgram } from './support/larder-command.ts'
import {
  configType,
  createRegistryClient,
  imageType,
  indexType,
  layerType,
  type RegistryClient,
  type RegistryRequest,
  sha256Of,
} from './support/registry-client.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

/*
 * The one command that an outside judge is given, and what it asks: the workflows of OCI distribution-spec 1.1 in the order of
 * its conformance tests, each request as a stranger writes it.
 */
const name = 'conformance/app'
const other = 'conformance/other'
const missing = sha256Of('hello world')
let workspace: Workspace
let serving: ChildProcess
let ended: Promise<unknown[]>
let client: RegistryClient

beforeAll(async () => {
  workspace = await openWorkspace()
  const port = await freePort()
  const args = ['--data', workspace.path('data'), 'registry', 'serve', '--port', String(port)]
  serving = spawn(process.execPath, [larderProgram, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  ended = once(serving, 'exit')
  await Promise.race([once(serving.stdout!, 'data'), ended])
  client = createRegistryClient(`http://127.0.0.1:${port}`)
})
afterAll(async () => {
  client.close()
  serving.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  await workspace[Symbol.asyncDispose]()
})

const ask = (method: string, path: string, request?: RegistryRequest) =>
  client.ask(method, path.startsWith('/') ? path : `/v2/${name}/${path}`, request)
const statusOf = async (method: string, path: string, request?: RegistryRequest) =>
  (await ask(method, path, request)).status
const octets = { 'content-type': 'application/octet-stream' }
const begin = async (query = '') => ask('POST', `blobs/uploads/${query}`, { headers: { 'content-length': '0' } })
const part = (bytes: Buffer, first: number, end: number): RegistryRequest => ({
  headers: { ...octets, 'content-range': `${first}-${end - 1}` },
  body: bytes.subarray(first, end),
})

it('pull: what is there, what is not, and errors in the form of the specification', async () => {
  expect(await statusOf('GET', '/v2/')).toBe(200)
  expect(await statusOf('GET', 'tags/list')).toBe(404)
  const { digest, config } = await client.pushImage(name, 'pulled', 'pulled')
  for (const method of ['HEAD', 'GET']) {
    expect(await statusOf(method, `blobs/${missing}`)).toBe(404)
    expect(await ask(method, `blobs/${config}`)).toMatchObject({ status: 200, headers: { 'docker-content-digest': config } }) // prettier-ignore
    expect(await statusOf(method, 'manifests/.INVALID_MANIFEST_NAME')).toBe(404)
    for (const reference of ['pulled', digest])
      expect(await ask(method, `manifests/${reference}`)).toMatchObject({ status: 200, headers: { 'docker-content-digest': digest } }) // prettier-ignore
  }
  const bad = { headers: { 'content-type': imageType }, body: Buffer.from('blablabla') }
  const refused = await ask('PUT', 'manifests/sha256:totallywrong', bad)
  expect([refused.status, refused.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
})

it('push: streamed, whole, in chunks and out of order, mounted, and manifests', async () => {
  const bytes = randomBytes(42)
  const digest = sha256Of(bytes)
  const streamed = await ask('PATCH', (await begin()).headers.location!, { headers: octets, body: bytes })
  expect(streamed.status).toBe(202)
  expect(await statusOf('PUT', `${streamed.headers.location!}?digest=${digest}`, { headers: octets })).toBe(201)
  expect(await statusOf('POST', `blobs/uploads/?digest=${digest}`, { headers: octets, body: bytes })).toBe(201)
  const { location = '' } = (await begin()).headers
  expect(await statusOf('PATCH', location, part(bytes, 3, 42))).toBe(416)
  expect(await ask('PATCH', location, part(bytes, 0, 3))).toMatchObject({ status: 202, headers: { range: '0-2' } })
  expect(await statusOf('PATCH', location, part(bytes, 0, 3))).toBe(416)
  expect(await ask('GET', location)).toMatchObject({ status: 204, headers: { range: '0-2', location } })
  expect(await statusOf('PUT', `${location}?digest=${digest}`, part(bytes, 5, 42))).toBe(416)
  expect(await ask('PUT', `${location}?digest=${digest}`, part(bytes, 3, 42))).toMatchObject({ status: 201, headers: { location: `/v2/${name}/blobs/${digest}` } }) // prettier-ignore
  const cancelled = (await begin()).headers.location!
  expect(await statusOf('DELETE', cancelled)).toBe(204)

  const mount = (query: string) => ask('POST', `/v2/${other}/blobs/uploads/?mount=${query}`)
  expect(await mount(missing)).toMatchObject({ status: 202, headers: { location: expect.any(String) as string } })
  expect((await mount(`${missing}&from=${name}`)).status).toBe(202)
  expect(await mount(`${digest}&from=${name}`)).toMatchObject({ status: 201, headers: { location: `/v2/${other}/blobs/${digest}` } }) // prettier-ignore
  expect(await statusOf('DELETE', `/v2/${other}/blobs/${digest}`)).toBe(202)
  expect((await mount(digest)).status).toBe(201)
  expect((await ask('GET', `/v2/${other}/blobs/${digest}`)).body.equals(bytes)).toBe(true)

  const { manifest } = await client.pushImage(name, 'test0', 'pushed')
  for (const tag of ['test1', 'test2', 'test3']) await client.pushManifest(name, tag, manifest)
  const bare = await client.pushManifest(name, 'bare', { ...manifest, layers: [] })
  expect(await statusOf('GET', `manifests/${bare}`, { headers: { accept: imageType } })).toBe(200)
})

it('discovery: tags by pages, referrers by type, of what is not there yet, too', async () => {
  const tags = ['bare', 'pulled', 'test0', 'test1', 'test2', 'test3']
  const list = async (query = '') => (await ask('GET', `tags/list${query}`)).json<{ tags: string[] }>().tags
  expect([await list(), await list('?n=3'), await list('?n=3&last=test0'), await list('?n=0')]).toEqual([tags, tags.slice(0, 3), tags.slice(3), []]) // prettier-ignore

  const { digest, sizeBytes, manifest } = await client.pushImage(name, 'subject', 'subject')
  const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: await client.pushBlob(name, Buffer.from('{}')), size: 2, data: 'e30=' } // prettier-ignore
  const blob = { digest: await client.pushBlob(name, Buffer.from('a bill of materials')), size: 19 }
  const [first, second] = ['application/vnd.example.a', 'application/vnd.example.b']
  const subject = { mediaType: imageType, digest, size: sizeBytes }
  const common = { schemaVersion: 2, mediaType: imageType, layers: [empty] }
  const byConfig = (mediaType: string) => ({ ...common, config: { ...blob, mediaType }, annotations: { by: 'config' } })
  const byType = (artifactType: string) => ({ ...common, artifactType, config: empty, annotations: { by: 'type' } })
  const push = async (content: object, type = imageType) => {
    const body = Buffer.from(JSON.stringify(content, undefined, '\t'))
    const answer = await ask('PUT', `manifests/${sha256Of(body)}`, { headers: { 'content-type': type }, body })
    const { digest: named } = (content as { subject: { digest: string } }).subject
    expect(answer).toMatchObject({ status: 201, headers: { 'oci-subject': named } })
    return sha256Of(body)
  }
  const of = (type: string) => [byConfig(type), byType(type)].map((one) => push({ ...one, subject }))
  const [a, b] = await Promise.all([Promise.all(of(first)), Promise.all(of(second))])
  const index = { schemaVersion: 2, mediaType: indexType, artifactType: second, manifests: [subject], subject }
  const all = [...a, ...b, await push({ ...index, annotations: { by: 'index' } }, indexType)]
  const later = { ...subject, digest: sha256Of(JSON.stringify({ ...manifest, annotations: {} })) }
  const early = await push({ ...byType(first), subject: later })

  const referrers = async (about: string, query = '') => {
    const { status, headers, json } = await ask('GET', `referrers/${about}${query}`)
    expect([status, headers['content-type']]).toEqual([200, indexType])
    const { manifests } = json<{ manifests: { digest: string; annotations: object }[] }>()
    return { filters: headers['oci-filters-applied'], found: manifests.map((one) => one.digest).sort(), manifests }
  }
  const found = await referrers(digest)
  expect(found).toMatchObject({ filters: undefined, found: all.sort() })
  expect(found.manifests.every(({ annotations }) => Object.keys(annotations).length === 1)).toBe(true)
  expect(await referrers(digest, `?artifactType=${first}`)).toMatchObject({ filters: 'artifactType', found: a.sort() })
  expect((await referrers(later.digest)).found).toEqual([early])
  expect((await referrers(missing)).found).toEqual([])
})

it('management: tags, manifests and blobs go, and are gone at once', async () => {
  const { digest, config, layer } = await client.pushImage(name, 'tagtest0', 'managed')
  expect(await statusOf('DELETE', 'manifests/tagtest0')).toBe(202)
  expect(await statusOf('DELETE', `blobs/${config}`)).toBe(405)
  for (const reference of ['tagtest0', missing]) expect(await statusOf('DELETE', `manifests/${reference}`)).toBe(404)
  expect(await statusOf('DELETE', `manifests/${digest}`)).toBe(202)
  expect(await statusOf('GET', `manifests/${digest}`)).toBe(404)
  expect((await ask('GET', 'tags/list')).json<{ tags: string[] }>().tags).not.toContain('tagtest0')
  for (const blob of [config, layer]) {
    expect(await statusOf('DELETE', `blobs/${blob}`)).toBe(202)
    expect(await statusOf('HEAD', `blobs/${blob}`)).toBe(404)
    expect(await statusOf('DELETE', `blobs/${blob}`)).toBe(404)
  }
})

it('data: large manifests, layers elsewhere, fields of others, nested and empty indices, ranges', async () => {
  const { manifest, digest, sizeBytes } = await client.pushImage(name, 'data', 'data')
  const pad = Object.fromEntries(Array.from({ length: 390 }, (_, at) => [`large-${at}`, 'A'.repeat(10_000)]))
  const far = { mediaType: layerType.replace('v1', 'nondistributable.v1'), digest: missing, size: 123_456, urls: ['https://store.example.org/x'] } // prettier-ignore
  const image = { mediaType: imageType, digest, size: sizeBytes, platform: { os: 'linux', architecture: 'arm64' } }
  const nested = { schemaVersion: 2, mediaType: indexType, manifests: [image] }
  const inner = await client.pushManifest(name, 'inner', nested)
  const entry = { mediaType: indexType, digest: inner, size: JSON.stringify(nested).length }
  const cases: Record<string, object> = {
    large: { ...manifest, annotations: pad },
    far: { ...manifest, layers: [far] },
    fields: { ...manifest, 'org.example': { anything: [1] } },
    empty: { ...nested, manifests: [] },
    outer: { ...nested, manifests: [entry] },
  }
  for (const [tag, content] of Object.entries(cases)) {
    const pushed = await client.pushManifest(name, tag, content)
    const pulled = await ask('GET', `manifests/${tag}`)
    expect([tag, sha256Of(pulled.body)]).toEqual([tag, pushed])
  }
  const bytes = randomBytes(2048)
  const blob = await client.pushBlob(name, bytes)
  const ranges = ['500-1499', '500-', '-500', '2000-5000', '500-0', '5000-10000']
  const answers = await Promise.all(ranges.map((one) => ask('GET', `blobs/${blob}`, { headers: { range: `bytes=${one}` } }))) // prettier-ignore
  expect(answers.map(({ status }) => status)).toEqual([206, 206, 206, 206, 416, 416])
  const sparse = { ...manifest, config: { mediaType: configType, digest: missing, size: 11 } }
  const body = Buffer.from(JSON.stringify(sparse))
  const refused = await ask('PUT', 'manifests/sparse', { headers: { 'content-type': imageType }, body })
  expect([refused.status, refused.errorCode()]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
})

it('tags: given with a manifest by its digest, all or none', async () => {
  const { digest, manifest } = await client.pushImage(name, 'untagged', 'tags')
  const put = (query: string) =>
    ask('PUT', `manifests/${digest}?${query}`, {
      headers: { 'content-type': imageType },
      body: Buffer.from(JSON.stringify(manifest)),
    })
  expect(await put('tag=first&tag=second')).toMatchObject({ status: 201, headers: { 'oci-tag': 'first, second' } })
  for (const tag of ['first', 'second'])
    expect(await ask('HEAD', `manifests/${tag}`)).toMatchObject({ headers: { 'docker-content-digest': digest } })
  const refused = await put('tag=third&tag=.fourth')
  expect([refused.status, refused.errorCode()]).toEqual([400, 'MANIFEST_INVALID'])
  expect(await statusOf('HEAD', 'manifests/third')).toBe(404)
})
