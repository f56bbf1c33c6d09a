import { LarderError, type Clock, type Digest } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { BlobStore, LeaseId } from '../store/index.ts'
import { withEntries } from './change-tree.ts'
import type { Sealer, Snapshot } from './publication.ts'
import { readTree } from './read-tree.ts'
import type { Tree, TreeEntry } from './tree.ts'

/** A sealed snapshot that needs only the switch. JSON, so that a run that was killed goes on from it. */
export interface PreparedPublication {
  mirror: string
  snapshotNumber: number
  snapshotTree: Digest
  /** Sealed tree. */
  tree: Digest
  /** ISO 8601, whole seconds. */
  sealedAt: string
  validUntil: string | null
}

export interface SealOptions {
  snapshot: Snapshot
  sealer: Sealer
  /** Keeps the sealed blobs until the switch. */
  lease: LeaseId
  /** How long clients may rely on it. Default: for ever. */
  validForMs?: number | undefined
}

/** CLOCK_BEHIND, DISK_FULL, and what the sealer throws (KEY_LOCKED …). */
export async function seal(
  room: { state: State; store: BlobStore; clock: Clock },
  options: SealOptions,
): Promise<PreparedPublication> {
  const { snapshot } = options
  const sealedAt = await nextSealedAt(room, snapshot.mirror)
  const validUntil = options.validForMs === undefined ? undefined : new Date(sealedAt.getTime() + options.validForMs)
  const sealed = await sealTree(room.store, { ...options, sealedAt, validUntil })
  return {
    mirror: snapshot.mirror,
    snapshotNumber: snapshot.number,
    snapshotTree: snapshot.tree,
    tree: sealed.digest,
    sealedAt: sealedAt.toISOString(),
    validUntil: validUntil?.toISOString() ?? null,
  }
}

/** The tree of a snapshot with the signed entries over it, in the store. DISK_FULL, KEY_LOCKED. */
export async function sealTree(
  store: BlobStore,
  { snapshot, sealer, lease, sealedAt, validUntil }: SealOptions & { sealedAt: Date; validUntil: Date | undefined },
): Promise<Tree> {
  const tree = await readTree(store, snapshot.tree)
  const { entries } = await sealer.seal({ snapshot, tree, sealedAt, validUntil })
  const digests = await store.writeMany(
    lease,
    entries.map((entry) => entry.bytes),
  )
  const set = entries.map(({ path, bytes, stable }, index): TreeEntry => ({
    path,
    sizeBytes: bytes.length,
    digest: digests[index]!,
    stable,
  }))
  return withEntries(store, lease, tree, { set })
}

/** apt refuses a Release whose Date is more than ten seconds ahead of its clock (Acquire::Max-FutureTime); leave some to clocks. */
const mostAheadMs = 4000
/** Several publications within a second wait for each other; more than this is a clock that was set back. */
const longestWaitMs = 60_000

/** Later, in whole seconds, than every publication of the mirror, so that clients follow even a rollback. */
async function nextSealedAt(room: { state: State; clock: Clock }, mirror: string): Promise<Date> {
  const row = await room.state.db
    .selectFrom('publications')
    .select('sealed_at')
    .where('mirror', '=', mirror)
    .orderBy('sealed_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  const now = Math.floor(room.clock.now().getTime() / 1000) * 1000
  const sealedAt = Math.max(now, row === undefined ? 0 : Date.parse(row.sealed_at) + 1000)
  const waitMs = sealedAt - mostAheadMs - now
  if (waitMs > longestWaitMs) throw clockBehind(mirror, new Date(now), new Date(sealedAt))
  if (waitMs > 0) await room.clock.sleep(waitMs)
  return new Date(sealedAt)
}

function clockBehind(mirror: string, now: Date, sealedAt: Date): LarderError {
  return new LarderError('CLOCK_BEHIND', {
    message:
      `The mirror ${mirror} was last published at ${sealedAt.toISOString()} by the clock of this host, ` +
      `which now says ${now.toISOString()}. Clients would not follow a publication with an earlier date.`,
    hint: 'Set the clock right (NTP). If it was ahead before, publish again once that time has passed.',
    context: { mirror, now: now.toISOString(), lastSealedAt: sealedAt.toISOString() },
  })
}
