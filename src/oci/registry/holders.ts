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
