import type { Digest } from '../../core/index.ts'
import type { State } from '../../state/index.ts'
import { algorithmOf, type OciDigest, type RepositoryName } from '../reference.ts'

/** Looked at for one blob: of a base that all images stand on there are many. */
const mostRepositories = 100

/** Repositories that have a blob, in the order of their names; the first hundred. */
export async function holdersOf({ db }: State, digest: OciDigest): Promise<RepositoryName[]> {
  const rows = await db
    .selectFrom('oci_blobs')
    .select('repository')
    .where('digest', '=', digest)
    .$if(algorithmOf(digest) === 'sha256', (query) => query.where('store_digest', '=', digest))
    .$if(algorithmOf(digest) !== 'sha256', (query) => query.whereRef('digest', '<>', 'store_digest'))
    .orderBy('repository')
    .limit(mostRepositories)
    .execute()
  return rows.map(({ repository }) => repository as RepositoryName)
}

/** A repository that has a blob of the store, and what clients call that. */
export interface Holder {
  repository: RepositoryName
  digest: OciDigest
  stored: Digest
}

/** Digests of one question: SQLite takes 32,766 values. */
const digestsAtOnce = 500

/** All repositories that have one of these blobs of the store, in the order of its digests. */
export async function holdersOfStored({ db }: State, stored: readonly Digest[]): Promise<Holder[]> {
  const found: Holder[] = []
  for (let start = 0; start < stored.length; start += digestsAtOnce) {
    const rows = await db
      .selectFrom('oci_blobs')
      .select(['repository', 'digest', 'store_digest'])
      .where('store_digest', 'in', stored.slice(start, start + digestsAtOnce))
      .orderBy('store_digest')
      .execute()
    for (const { repository, digest, store_digest } of rows)
      found.push({
        repository: repository as RepositoryName,
        digest: digest as OciDigest,
        stored: store_digest as Digest,
      })
  }
  return found
}
