import { type Digest, systemClock } from '../../core/index.ts'
import type { BlobStore, LeaseId, Leases } from '../../store/index.ts'
import { createMemoryLeases, MemoryBlobStore } from '../../store/testing/index.ts'
import { createFetcher, type FetcherOptions } from '../create-fetcher.ts'
import type { Fetcher } from '../fetcher.ts'

export interface TestFetcher {
  store: MemoryBlobStore
  leases: Leases
  lease: LeaseId
  fetcher: Fetcher
}

/** A fetcher over a store in memory: three tries, one soon after the other. */
export async function createTestFetcher(options: Partial<FetcherOptions> = {}): Promise<TestFetcher> {
  const store = new MemoryBlobStore()
  const leases = createMemoryLeases(store)
  const lease = await leases.acquire('test')
  const fetcher = createFetcher({
    store,
    leases,
    clock: systemClock,
    userAgent: 'Larder/test',
    ...options,
    limits: { attempts: 3, backoffMs: 2, minBytesPerSecond: 1000, ...options.limits },
  })
  return { store, leases, lease, fetcher }
}

export async function collectDigests(store: BlobStore): Promise<Digest[]> {
  const digests: Digest[] = []
  for await (const { digest } of store.list()) digests.push(digest)
  return digests
}
