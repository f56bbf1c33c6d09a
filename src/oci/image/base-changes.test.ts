import { afterEach, beforeEach, expect, it } from 'vitest'
import { openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import { mediaTypes } from '../media-type.ts'
import { parseRepositoryName } from '../reference.ts'
import { createRegistry, type Registry } from '../registry/registry.ts'
import { compareBases } from './base-changes.ts'
import type { BuilderIdentity } from './image-kind.ts'

const base = parseRepositoryName('base/debian')
const elsewhere = `sha256:${'0'.repeat(64)}`
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

/** An index under this tag. */
async function push(tag: string, manifests: readonly { digest: string; size: number }[] = []): Promise<string> {
  const named = manifests.map((one) => ({ mediaType: mediaTypes.index, ...one }))
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: named, annotations: { tag } }
  const bytes = Buffer.from(JSON.stringify(index))
  const { digest } = await registry.putManifest(base, { tag }, { bytes, contentType: mediaTypes.index })
  return digest
}

const compare = (name: string, digest?: string) =>
  compareBases(
    {
      registry,
      ownRegistry: () => ({ host: 'localhost:7443' }),
      who: () => ({ registryHost: 'registry.example.org' }) as BuilderIdentity,
      cachedNames: ['hub'],
    },
    [{ name, digest }],
  )

it('of our registry: by what the tag names now, under each of its names', async () => {
  const before = await push('12')
  const latest = await push('latest')
  for (const host of ['localhost:7443', 'registry.example.org']) {
    expect(await compare(`${host}/base/debian:12`, before)).toEqual({ changed: [], unknown: [] })
    expect(await compare(`${host}/base/debian`, latest)).toEqual({ changed: [], unknown: [] })
    expect(await compare(`${host}/base/debian:12`, latest)).toEqual({
      changed: [`${host}/base/debian:12`],
      unknown: [],
    })
  }
})

it('one platform of several is the same while the list has it', async () => {
  const child = await push('amd64')
  const { sizeBytes = 0 } = (await registry.manifest(base, { tag: 'amd64' })) ?? {}
  await push('12', [{ digest: child, size: sizeBytes }])
  const name = 'localhost:7443/base/debian:12'
  expect(await compare(name, child)).toEqual({ changed: [], unknown: [] })
  await push('12')
  expect(await compare(name, child)).toEqual({ changed: [name], unknown: [] })
})

it.each([
  'docker.example.org/debian:12',
  'debian:12',
  'localhost:7443/hub/library/debian:12',
  'localhost:7443/base/gone:12',
  'localhost:7443/Base:12',
])('what %s is now is not known', async (name) => {
  expect(await compare(name, elsewhere)).toEqual({ changed: [], unknown: [name] })
})

it('a digest in the name is the image for good; without one that was noted, nothing is known', async () => {
  await push('12')
  expect(await compare(`docker.example.org/debian:12@${elsewhere}`)).toEqual({ changed: [], unknown: [] })
  const name = 'localhost:7443/base/debian:12'
  expect(await compare(name)).toEqual({ changed: [], unknown: [name] })
})
