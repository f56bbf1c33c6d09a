import { sql } from 'kysely'
import type { State } from '../../state/index.ts'

export interface RegistryUsage {
  repositories: number
  tags: number
  manifests: number
  /** Each counted once, in however many repositories it is. */
  blobs: number
  blobBytes: number
  /** Uploads that were begun and neither finished nor given up. */
  uploads: number
}

/** What the registry holds. Goes over all rows: not to be asked at every turn. */
export async function registryUsage({ db }: State): Promise<RegistryUsage> {
  const count = (table: 'oci_tags' | 'oci_manifests' | 'oci_uploads') =>
    db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
  const blobs = await db
    .selectFrom((inner) =>
      inner
        .selectFrom('oci_blobs')
        .select(({ fn }) => ['store_digest', fn.max('size_bytes').as('size_bytes')])
        .groupBy('store_digest')
        .as('stored'),
    )
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.sum<number | null>('size_bytes').as('bytes')])
    .executeTakeFirstOrThrow()
  const repositories = await db
    .selectFrom('oci_manifests')
    .select(sql<number>`count(DISTINCT repository)`.as('count'))
    .executeTakeFirstOrThrow()
  return {
    repositories: repositories.count,
    tags: (await count('oci_tags')).count,
    manifests: (await count('oci_manifests')).count,
    blobs: blobs.count,
    blobBytes: blobs.bytes ?? 0,
    uploads: (await count('oci_uploads')).count,
  }
}
