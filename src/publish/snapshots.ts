import { LarderError, type Digest } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import type { Snapshot } from './publication.ts'

type Queries = Pick<State['db'], 'selectFrom' | 'insertInto' | 'deleteFrom'>
type Row = Tables['snapshots']

/** Newest first. */
export async function listSnapshots(db: Queries, mirror: string): Promise<Snapshot[]> {
  const rows = await db
    .selectFrom('snapshots')
    .selectAll()
    .where('mirror', '=', mirror)
    .orderBy('number', 'desc')
    .execute()
  return rows.map(toSnapshot)
}

/** SNAPSHOT_UNKNOWN. */
export async function getSnapshot(db: Queries, mirror: string, number: number): Promise<Snapshot> {
  const row = await db
    .selectFrom('snapshots')
    .selectAll()
    .where('mirror', '=', mirror)
    .where('number', '=', number)
    .executeTakeFirst()
  if (row === undefined) throw snapshotUnknown(mirror, number)
  return toSnapshot(row)
}

export async function snapshotOfTree(db: Queries, mirror: string, tree: Digest): Promise<Snapshot | undefined> {
  const row = await db
    .selectFrom('snapshots')
    .selectAll()
    .where('mirror', '=', mirror)
    .where('tree', '=', tree)
    .executeTakeFirst()
  return row === undefined ? undefined : toSnapshot(row)
}

/** The snapshot with the highest number, which is never removed: so no number is given twice. */
export async function newestSnapshot(db: Queries, mirror: string): Promise<Snapshot | undefined> {
  const row = await db
    .selectFrom('snapshots')
    .selectAll()
    .where('mirror', '=', mirror)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : toSnapshot(row)
}

export async function insertSnapshot(db: Queries, snapshot: Snapshot): Promise<void> {
  await db
    .insertInto('snapshots')
    .values({
      mirror: snapshot.mirror,
      number: snapshot.number,
      tree: snapshot.tree,
      created_at: snapshot.createdAt.toISOString(),
      origin: snapshot.origin,
      meta: JSON.stringify(snapshot.meta ?? null),
    })
    .execute()
}

function snapshotUnknown(mirror: string, number: number): LarderError {
  return new LarderError('SNAPSHOT_UNKNOWN', {
    message: `There is no snapshot ${mirror}@${number}.`,
    hint: `\`larder mirror show ${mirror}\` lists those that are kept.`,
    context: { mirror, number },
  })
}

function toSnapshot(row: Row): Snapshot {
  return {
    tree: row.tree as Digest,
    mirror: row.mirror,
    number: row.number,
    createdAt: new Date(row.created_at),
    origin: row.origin,
    meta: JSON.parse(row.meta) as unknown,
  }
}
