import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { digestOf as storeDigest } from '../../core/index.ts'
import { openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import { parseDigest, parseRepositoryName, type OciDigest, type RepositoryName } from '../reference.ts'
import { createRegistry, type Registry } from './registry.ts'

const [app, other] = [parseRepositoryName('team/app'), parseRepositoryName('other')]
const config = '{}'

let room: MemoryStore
let registry: Registry

beforeEach(async () => {
  room = await openMemoryStore()
  registry = createRegistry(room)
})
afterEach(async () => {
  await registry.close()
  await room[Symbol.asyncDispose]()
})

const digestOf = (text: string, algorithm = 'sha256'): OciDigest =>
  parseDigest(`${algorithm}:${createHash(algorithm).update(text).digest('hex')}`)

async function* once(text: string) {
  yield await Promise.resolve(Buffer.from(text))
}

async function pushBlob(repository: RepositoryName, text: string, digest = digestOf(text)): Promise<OciDigest> {
  await registry.finishUpload(repository, await registry.beginUpload(repository), digest, { body: once(text) })
  return digest
}

async function pushImage(repository: RepositoryName, layer: string, tags: readonly string[]): Promise<string> {
  for (const text of [layer, config]) await pushBlob(repository, text)
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(config), size: config.length },
    layers: [{ mediaType: 'application/octet-stream', digest: digestOf(layer), size: layer.length }],
  }
  return put(repository, manifest, tags)
}

async function put(repository: RepositoryName, manifest: object, tags: readonly string[]): Promise<string> {
  const text = JSON.stringify(manifest)
  await registry.putManifest(repository, { digest: digestOf(text) }, { bytes: Buffer.from(text), tags })
  return text
}

const lose = (text: string) => room.store.remove([storeDigest(Buffer.from(text))], () => Promise.resolve(new Set()))

it('tells each repository, and its tags by way of an index too', async () => {
  const manifest = await pushImage(app, 'layer', ['1.1', '1.0'])
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(manifest),
    size: manifest.length,
  }
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'amd64' } }],
  }
  await put(app, index, ['all'])
  await pushImage(app, 'whole', ['2.0'])
  await registry.mountBlob(other, digestOf('layer'), app)
  expect(await registry.absentBlobs()).toEqual([])
  await lose('layer')
  expect(await registry.absentBlobs()).toEqual([
    { repository: other, digests: [digestOf('layer')], isNamed: false, tags: [] },
    { repository: app, digests: [digestOf('layer')], isNamed: true, tags: ['1.0', '1.1', 'all'] },
  ])
})

it('finds every one of thousands', async () => {
  const texts = Array.from({ length: 1300 }, (_, index) => `blob ${index}`)
  const stored = await room.store.writeMany(await room.leases.acquire('test'), texts.map(Buffer.from))
  const used_at = room.clock.now().toISOString()
  const rows = texts.map((text, index) => ({
    repository: app,
    digest: digestOf(text, 'sha512'),
    store_digest: stored[index]!,
    // The last is in the store with another length.
    size_bytes: text.length + (index === 1299 ? 1 : 0),
    used_at,
  }))
  await room.state.transaction((transaction) => transaction.insertInto('oci_blobs').values(rows).execute())
  for (let index = 0; index < 1300; index += 100) await lose(texts[index]!)
  const [found, ...none] = await registry.absentBlobs()
  const expected = texts.filter((_, index) => index % 100 === 0 || index === 1299)
  expect(none).toEqual([])
  expect(found?.digests.toSorted()).toEqual(expected.map((text) => digestOf(text, 'sha512')).toSorted())
})

it('what is lost is not there for clients either, so that a push brings it again', async () => {
  await pushImage(app, 'layer', ['1.0'])
  await lose('layer')
  expect(await registry.blob(app, digestOf('layer'))).toBeUndefined()
  expect(await registry.mountBlob(other, digestOf('layer'), app)).toBe(false)
  await pushBlob(app, 'layer')
  expect(await registry.blob(app, digestOf('layer'))).toMatchObject({ sizeBytes: 5 })
  expect(await registry.absentBlobs()).toEqual([])
})
