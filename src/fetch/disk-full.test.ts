import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startFileServer, type FileServer } from '../../test/fixtures/upstream/index.ts'
import { digestOf, hexOf, isLarderError, silentProgress, systemClock } from '../core/index.ts'
import { createMemoryLeases, FaultyBlobStore, MemoryBlobStore } from '../store/testing/index.ts'
import { createFetcher } from './create-fetcher.ts'

const files = new Map(
  [10, 20_000, 600_000, 700_000].map((size) => [`f${size}`, { bytes: randomBytes(size), modifiedAt: new Date(0) }]),
)
const all = [...files.values()].map(({ bytes }) => digestOf(bytes)).sort()
let server: FileServer

beforeAll(async () => {
  server = await startFileServer((path) => files.get(path))
})
afterAll(() => server.close())

it('a disk that fills up at any write: DISK_FULL, nothing half in the store, and the next try goes on', async () => {
  const { signal } = new AbortController()
  const options = { signal, progress: silentProgress }
  let failures = 0
  for (let failsAtWrite = 1; ; failsAtWrite++) {
    const disk = new MemoryBlobStore()
    const leases = createMemoryLeases(disk)
    const lease = await leases.acquire('test')
    const common = { leases, clock: systemClock, userAgent: 'Larder/test' }
    const requests = [...files].map(([label, { bytes }]) => ({
      label,
      urls: [server.url + label],
      expected: { sizeBytes: bytes.length, sha256: hexOf(digestOf(bytes)) },
      maxBytes: 1_000_000,
      lease,
    }))
    const failing = createFetcher({ ...common, store: new FaultyBlobStore(disk, { failsAtWrite }) })
    const error = await failing.fetchAll(requests, options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    await failing.close()
    for await (const { digest } of disk.list()) expect(all).toContain(digest)
    if (error === undefined) break
    if (!isLarderError(error, 'DISK_FULL')) expect.fail('it failed otherwise')
    failures++
    const working = createFetcher({ ...common, store: disk })
    const results = await working.fetchAll(requests, options)
    await working.close()
    expect(results.map((result) => (result.kind === 'fetched' ? result.digest : result.kind)).sort()).toEqual(all)
  }
  expect(failures).toBeGreaterThan(5)
})
