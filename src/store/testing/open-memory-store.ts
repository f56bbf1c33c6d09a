import { FakeClock } from '../../core/testing/fake-clock.ts'
import { openDatabase, type State } from '../../state/index.ts'
import { createLeases, sqlLeaseBook, type CollectableLeases } from '../index.ts'
import { MemoryBlobStore } from './memory-blob-store.ts'

export interface MemoryStore {
  clock: FakeClock
  state: State
  store: MemoryBlobStore
  leases: CollectableLeases
  [Symbol.asyncDispose](): Promise<void>
}

/** As openTestStore, with nothing on the disk: a hundred times as fast. */
export async function openMemoryStore(): Promise<MemoryStore> {
  const clock = new FakeClock()
  const state = await openDatabase({ path: ':memory:', clock })
  const store = new MemoryBlobStore(sqlLeaseBook(state))
  return { clock, state, store, leases: createLeases(state, store, clock), [Symbol.asyncDispose]: () => state.close() }
}
