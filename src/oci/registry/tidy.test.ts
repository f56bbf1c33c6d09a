import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHash } from 'node:crypto'
import { openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import { parseDigest, parseRepositoryName, type OciDigest } from '../reference.ts'
import { createRegistry, type Registry } from './registry.ts'

const hourMs = 3600_000
const repository = parseRepositoryName('counter')
const config = Buffer.from('{}')

let room: MemoryStore
let registry: Registry
const later = (hours: number): void => room.clock.advance(hours * hourMs)

beforeEach(async () => {
  room = await openMemoryStore()
  registry = createRegistry(room)
})
afterEach(async () => {
  await registry.close()
  await room[Symbol.asyncDispose]()
})

const digestOf = (bytes: Uint8Array): OciDigest =>
  parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)

async function* once(bytes: Buffer) {
  yield await Promise.resolve(bytes)
}

async function pushBlob(bytes: Buffer): Promise<OciDigest> {
  const digest = digestOf(bytes)
  await registry.finishUpload(repository, await registry.beginUpload(repository), digest, { body: once(bytes) })
  return digest
}

async function pushImage(name: string, tag?: string): Promise<{ manifest: OciDigest; layer: OciDigest }> {
  const layer = await pushBlob(Buffer.from(name))
  await pushBlob(config)
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(config), size: config.length },
      layers: [{ mediaType: 'application/octet-stream', digest: layer, size: name.length }],
    }),
  )
  const manifest = digestOf(bytes)
  await registry.putManifest(repository, tag === undefined ? { digest: manifest } : { tag }, { bytes })
  return { manifest, layer }
}

test('what a tag needs stays; what nothing needs goes a day after its last use', async () => {
  const tagged = await pushImage('tagged', '1.0')
  const untagged = await pushImage('untagged')
  const loose = await pushBlob(Buffer.from('loose'))
  later(23)
  expect(await registry.tidy()).toEqual({ uploads: 0, manifests: 0, blobs: 0 })
  later(2)
  expect(await registry.tidy()).toEqual({ uploads: 0, manifests: 1, blobs: 2 })
  expect(await registry.manifest(repository, { tag: '1.0' })).toMatchObject({ digest: tagged.manifest })
  expect(await registry.blob(repository, tagged.layer)).toBeDefined()
  expect(await registry.manifest(repository, { digest: untagged.manifest })).toBeUndefined()
  for (const gone of [untagged.layer, loose]) expect(await registry.blob(repository, gone)).toBeUndefined()
})

test('whoever looked for something may count on it for a day more', async () => {
  const loose = await pushBlob(Buffer.from('loose'))
  const untagged = await pushImage('untagged')
  later(20)
  expect(await registry.blob(repository, loose)).toBeDefined()
  expect(await registry.manifest(repository, { digest: untagged.manifest })).toBeDefined()
  later(20)
  expect(await registry.tidy()).toEqual({ uploads: 0, manifests: 0, blobs: 0 })
  later(5)
  expect(await registry.tidy()).toMatchObject({ manifests: 1, blobs: 3 })
})

test('what lost its tag is kept for a day from then', async () => {
  const first = await pushImage('first', 'edge')
  later(48)
  await pushImage('second', 'edge')
  later(23)
  expect(await registry.tidy()).toMatchObject({ manifests: 0 })
  later(2)
  expect(await registry.tidy()).toMatchObject({ manifests: 1, blobs: 1 })
  expect(await registry.blob(repository, first.layer)).toBeUndefined()
})

test('an upload that nobody goes on with ends after a day', async () => {
  const id = await registry.beginUpload(repository)
  await registry.writeUpload(repository, id, { body: once(Buffer.from('a part')) })
  later(25)
  expect(await registry.tidy()).toMatchObject({ uploads: 1 })
  await expect(registry.uploadOffset(repository, id)).rejects.toMatchObject({ code: 'OCI_UPLOAD_UNKNOWN' })
})
