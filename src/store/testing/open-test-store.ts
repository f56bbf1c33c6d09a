import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import { openDatabase, type State } from '../../state/index.ts'
import { createLeases, openFileBlobStore, sqlLeaseBook, type CollectableLeases, type FileBlobStore } from '../index.ts'

export interface TestStore {
  folder: string
  clock: FakeClock
  state: State
  store: FileBlobStore
  leases: CollectableLeases
  /** Closes the database and removes the folder. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A database and a store of files in a folder of their own. */
export async function openTestStore(): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-store-'))
  const clock = new FakeClock()
  const state = await openDatabase({ path: join(folder, 'larder.db'), clock })
  const store = await openFileBlobStore({ folder, leaseBook: sqlLeaseBook(state) })
  return {
    folder,
    clock,
    state,
    store,
    leases: createLeases(state, store, clock),
    async [Symbol.asyncDispose]() {
      await state.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
