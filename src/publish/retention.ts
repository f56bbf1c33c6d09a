import type { State } from '../state/index.ts'
import type { PublicationMemory } from './publication-memory.ts'
import { listPublications } from './publications.ts'

export interface Retention {
  /** Newest publications that stay, the current one included. Default 10. */
  keepGenerations?: number | undefined
  /** Newest snapshots that stay, besides those that a kept publication shows. Default 20. */
  keepSnapshots?: number | undefined
  /** A publication stays at least this long after another took its place: clients hold an index for hours. Default 24 h. */
  keepForMs?: number | undefined
}

const dayMs = 86_400_000

/** Forgets what is beyond the limits; the blobs go at the next gc. The current publication always stays. */
export async function pruneMirror(
  room: { state: State; memory: PublicationMemory; now: Date },
  mirror: string,
  retention: Retention,
): Promise<{ publications: number; snapshots: number }> {
  const oldest = new Date(room.now.getTime() - (retention.keepForMs ?? dayMs))
  const keepGenerations = Math.max(1, retention.keepGenerations ?? 10)
  const keepSnapshots = Math.max(1, retention.keepSnapshots ?? 20)
  const result = { publications: 0, snapshots: 0 }
  await room.memory.keepOnly(mirror, () =>
    room.state.transaction(async (transaction) => {
      const publications = await listPublications(transaction, mirror)
      const gone = publications
        // Index 0 is the current one; what follows it was replaced when its newer neighbour was sealed.
        .filter((_, index) => index >= keepGenerations && publications[index - 1]!.sealedAt < oldest)
        .map((publication) => publication.generation)
      for (const generation of gone) {
        await transaction
          .deleteFrom('publications')
          .where('mirror', '=', mirror)
          .where('generation', '=', generation)
          .execute()
      }
      result.publications = gone.length
      const shown = publications.filter(({ generation }) => !gone.includes(generation)).map((one) => one.snapshotNumber)
      result.snapshots = await pruneSnapshots(transaction, mirror, { keepSnapshots, shown })
      return gone
    }),
  )
  return result
}

async function pruneSnapshots(
  transaction: Pick<State['db'], 'selectFrom' | 'deleteFrom'>,
  mirror: string,
  keep: { keepSnapshots: number; shown: readonly number[] },
): Promise<number> {
  const rows = await transaction
    .selectFrom('snapshots')
    .select('number')
    .where('mirror', '=', mirror)
    .orderBy('number', 'desc')
    .execute()
  const gone = rows.slice(keep.keepSnapshots).filter(({ number }) => !keep.shown.includes(number))
  for (const { number } of gone) {
    await transaction.deleteFrom('snapshots').where('mirror', '=', mirror).where('number', '=', number).execute()
  }
  return gone.length
}
