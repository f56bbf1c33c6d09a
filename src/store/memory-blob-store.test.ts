import { describe } from 'vitest'
import type { LeaseId } from './index.ts'
import { blobStoreContract } from './blob-store.contract.ts'
import { MemoryBlobStore } from './testing/index.ts'

describe('MemoryBlobStore', () => {
  blobStoreContract(async () => ({ store: new MemoryBlobStore(), lease: 'any' as LeaseId }))
})
