import { isLarderError, type Digest } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { BlobStore } from '../store/index.ts'
import { currentPublication, listPublications } from './publications.ts'
import type { PublicationMemory } from './publication-memory.ts'
import { readStoredTree } from './read-tree.ts'
import { listSnapshots } from './snapshots.ts'

/**
 * Forgets generations and snapshots of a mirror whose list of files is damaged: nobody can be served from them, and gc
 * could not tell what they need. What is current stays, and the newest snapshot, whose number must not be given twice.
 */
export async function forgetUnreadable(
  room: { state: State; store: BlobStore; memory: PublicationMemory },
  mirror: string,
): Promise<{ publications: number; snapshots: number }> {
  const { state, store, memory } = room
  const current = await currentPublication(state.db, mirror)
  const older = (await listPublications(state.db, mirror)).filter((one) => one.generation !== current?.generation)
  const [, ...snapshots] = await listSnapshots(state.db, mirror)
  const generations = (await unreadable(store, older)).map((one) => one.generation)
  const numbers = (await unreadable(store, snapshots))
    .map((one) => one.number)
    .filter((number) => number !== current?.snapshotNumber)
  await memory.keepOnly(mirror, () =>
    state.transaction(async (db) => {
      for (const generation of generations) {
        await db.deleteFrom('publications').where('mirror', '=', mirror).where('generation', '=', generation).execute()
      }
      for (const number of numbers) {
        await db.deleteFrom('snapshots').where('mirror', '=', mirror).where('number', '=', number).execute()
      }
      return generations
    }),
  )
  return { publications: generations.length, snapshots: numbers.length }
}

async function unreadable<T extends { tree: Digest }>(store: BlobStore, kept: readonly T[]): Promise<T[]> {
  const found: T[] = []
  for (const one of kept) {
    try {
      await readStoredTree(store, one.tree)
    } catch (error) {
      if (!isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) throw error
      found.push(one)
    }
  }
  return found
}
