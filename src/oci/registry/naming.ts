import type { Kysely } from 'kysely'
import type { Tables } from '../../state/index.ts'
import type { OciDigest, RepositoryName } from '../reference.ts'

/** Some manifest of the repository that has this blob, by its digest. */
export async function manifestNaming(
  db: Kysely<Tables>,
  repository: RepositoryName,
  blob: OciDigest,
): Promise<OciDigest | undefined> {
  const row = await db
    .selectFrom('oci_links')
    .select('manifest')
    .where('repository', '=', repository)
    .where('target', '=', blob)
    .where('kind', '=', 'blob')
    .limit(1)
    .executeTakeFirst()
  return row?.manifest as OciDigest | undefined
}
