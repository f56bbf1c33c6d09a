import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Digest } from '../../core/index.ts'
import { openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import { parseDigest, parseRepositoryName } from '../reference.ts'
import { createRegistry, type Registry } from './registry.ts'

const [here, there] = [parseRepositoryName('here'), parseRepositoryName('there')]
const blobs = Array.from({ length: 2500 }, (_, index) => Buffer.from(String(index)))
const digests = blobs.map((bytes) => parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)).sort()

let room: MemoryStore
let registry: Registry

beforeEach(async () => {
  room = await openMemoryStore()
  registry = createRegistry(room)
  const used_at = room.clock.now().toISOString()
  const stored = await room.store.writeMany(await room.leases.acquire('test'), blobs)
  const rows = stored.map((digest, index) => ({
    repository: here,
    digest,
    store_digest: digest,
    size_bytes: blobs[index]!.length,
    used_at,
  }))
  await room.state.transaction((transaction) => transaction.insertInto('oci_blobs').values(rows).execute())
})
afterEach(async () => {
  await registry.close()
  await room[Symbol.asyncDispose]()
})

it('names each blob once, however many pages there are', async () => {
  await registry.mountBlob(there, digests[7]!, here)
  const found: Digest[] = []
  for await (const root of registry.roots()) found.push(root)
  expect(found).toEqual(digests)
})

it.each([
  ['that was passed', 3],
  ['that is still to come', 2400],
])('misses no blob that moves to another repository meanwhile, in a place %s', async (_, index) => {
  const moved = digests[index]!
  const found = new Set<Digest>()
  for await (const root of registry.roots()) {
    found.add(root)
    if (found.size !== 1200) continue
    expect(await registry.mountBlob(there, moved, here)).toBe(true)
    await registry.removeBlob(here, moved)
  }
  expect([...found].sort()).toEqual(digests)
})
