import type { Digest } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import type { Publication } from './publication.ts'

type Queries = Pick<State['db'], 'selectFrom' | 'insertInto' | 'deleteFrom'>

/** All that are kept, newest first. The first is the current one: every switch, a rollback too, makes a newer one. */
export async function listPublications(db: Queries, mirror: string): Promise<Publication[]> {
  const rows = await db
    .selectFrom('publications')
    .selectAll()
    .where('mirror', '=', mirror)
    .orderBy('generation', 'desc')
    .execute()
  return rows.map(toPublication)
}

export async function currentPublication(db: Queries, mirror: string): Promise<Publication | undefined> {
  const row = await db
    .selectFrom('publications')
    .innerJoin('current_publications', (join) =>
      join
        .onRef('current_publications.mirror', '=', 'publications.mirror')
        .onRef('current_publications.generation', '=', 'publications.generation'),
    )
    .selectAll('publications')
    .where('publications.mirror', '=', mirror)
    .executeTakeFirst()
  return row === undefined ? undefined : toPublication(row)
}

/** Names of the mirrors that are published. */
export async function publishedMirrors(db: Queries): Promise<string[]> {
  const rows = await db.selectFrom('current_publications').select('mirror').orderBy('mirror').execute()
  return rows.map((row) => row.mirror)
}

/** Inserts the publication and moves the pointer: to be done in one transaction. */
export async function insertCurrent(db: Queries, publication: Publication): Promise<void> {
  const { mirror, generation } = publication
  await db
    .insertInto('publications')
    .values({
      mirror,
      generation,
      snapshot_number: publication.snapshotNumber,
      tree: publication.tree,
      sealed_at: publication.sealedAt.toISOString(),
      valid_until: publication.validUntil?.toISOString() ?? null,
    })
    .execute()
  await db
    .insertInto('current_publications')
    .values({ mirror, generation })
    .onConflict((conflict) => conflict.column('mirror').doUpdateSet({ generation }))
    .execute()
}

/** Takes the pointer away. The generations stay, so that a later publication goes on counting, and on in time. */
export async function withdrawPublication(state: State, mirror: string): Promise<void> {
  await state.transaction((db) => db.deleteFrom('current_publications').where('mirror', '=', mirror).execute())
}

function toPublication(row: Tables['publications']): Publication {
  return {
    mirror: row.mirror,
    generation: row.generation,
    snapshotNumber: row.snapshot_number,
    tree: row.tree as Digest,
    sealedAt: new Date(row.sealed_at),
    validUntil: row.valid_until === null ? undefined : new Date(row.valid_until),
  }
}
