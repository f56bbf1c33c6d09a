export { MemoryBlobStore, createMemoryLeases } from './memory-blob-store.ts'
export { FaultyBlobStore } from './faulty-blob-store.ts'
export { openTestStore, type TestStore } from './open-test-store.ts'
export { openMemoryStore, type MemoryStore } from './open-memory-store.ts'
