import type { Digest } from '../../core/index.ts'
import type { State } from '../../state/index.ts'

/** Every blob of the store that some repository has. Uploads are kept by their leases. */
export async function* registryRoots({ db }: State): AsyncIterable<Digest> {
  const rows = await db.selectFrom('oci_blobs').select('store_digest').distinct().execute()
  for (const { store_digest } of rows) yield store_digest as Digest
}
