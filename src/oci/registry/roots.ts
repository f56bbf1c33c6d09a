import { setImmediate } from 'node:timers/promises'
import type { Digest } from '../../core/index.ts'
import type { State } from '../../state/index.ts'

/**
 * Every blob of the store that some repository has. Uploads are kept by their leases.
 *
 * Read page by page while rows come and go, in the order of the store's digests. A blob that is mounted has a row
 * already, and its new row has the same place in this order: that place was passed when the old one was there, or will be
 * when the new one is. A blob that is pushed has a lease, which holds it until the collection is over.
 */
export async function* registryRoots({ db }: State): AsyncIterable<Digest> {
  for (let after = ''; ;) {
    const rows = await db
      .selectFrom('oci_blobs')
      .select('store_digest')
      .distinct()
      .where('store_digest', '>', after)
      .orderBy('store_digest')
      .limit(pageRows)
      .execute()
    for (const { store_digest } of rows) yield store_digest as Digest
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageRows) return
    after = last.store_digest
    await setImmediate()
  }
}

/** About a millisecond each. */
const pageRows = 1000
