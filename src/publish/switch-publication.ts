import { LarderError, type Digest } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { Publication } from './publication.ts'
import { currentPublication, insertCurrent, listPublications } from './publications.ts'
import type { PreparedPublication } from './seal.ts'
import { getSnapshot } from './snapshots.ts'

/** Statements that are committed together with a switch, or not at all. Must not use another connection. */
export type Alongside = (transaction: State['db']) => Promise<void>

/**
 * The switch, in one transaction. A prepared publication that was switched to before is answered with as it is,
 * and nothing changes, even when newer ones have followed. SNAPSHOT_UNKNOWN, PUBLICATION_OUTDATED.
 */
export async function switchPublication(
  state: State,
  prepared: PreparedPublication,
  { alongside, replaces }: { alongside?: Alongside | undefined; replaces?: number | undefined } = {},
): Promise<{ publication: Publication; isNew: boolean }> {
  return state.transaction(async (transaction) => {
    const { mirror, tree, snapshotNumber } = prepared
    const earlier = await listPublications(transaction, mirror)
    const sealedAt = new Date(prepared.sealedAt)
    const same = earlier.find((one) => one.tree === tree && one.sealedAt.getTime() === sealedAt.getTime())
    if (same !== undefined) return { publication: same, isNew: false }
    await getSnapshot(transaction, mirror, snapshotNumber)
    const last = earlier[0]
    await refuseUnlessCurrent(transaction, mirror, replaces)
    if (last !== undefined && last.sealedAt >= sealedAt) throw outdated(prepared, last)
    const publication: Publication = {
      mirror,
      generation: (last?.generation ?? 0) + 1,
      snapshotNumber,
      tree: tree satisfies Digest,
      sealedAt,
      validUntil: prepared.validUntil === null ? undefined : new Date(prepared.validUntil),
    }
    await insertCurrent(transaction, publication)
    await alongside?.(transaction)
    return { publication, isNew: true }
  })
}

async function refuseUnlessCurrent(
  transaction: State['db'],
  mirror: string,
  generation: number | undefined,
): Promise<void> {
  if (generation === undefined) return
  const current = await currentPublication(transaction, mirror)
  if (current?.generation === generation) return
  throw new LarderError('PUBLICATION_OUTDATED', {
    message: `Generation ${generation} of ${mirror} was to be replaced, and is not the current one any more.`,
    context: { mirror, generation, current: current?.generation },
  })
}

function outdated(prepared: PreparedPublication, last: Publication): LarderError {
  return new LarderError('PUBLICATION_OUTDATED', {
    message:
      `The publication of ${prepared.mirror}@${prepared.snapshotNumber} was sealed at ${prepared.sealedAt}, and another ` +
      `was made at ${last.sealedAt.toISOString()}: clients would take the earlier date for a replay.`,
    hint: 'Seal the snapshot again.',
    context: { mirror: prepared.mirror, generation: last.generation },
  })
}
