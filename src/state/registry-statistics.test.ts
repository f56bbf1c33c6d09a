import { mkdtemp, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../core/index.ts'
import { openDatabase } from './index.ts'

it.each([
  [
    'referrers',
    "SELECT digest, annotations FROM oci_manifests WHERE repository = 'a' AND subject = 'b' ORDER BY digest LIMIT 1001",
    ['SEARCH oci_manifests USING INDEX oci_manifests_by_subject (repository=? AND subject=?)'],
  ],
  [
    'the tags of a manifest that goes',
    "DELETE FROM oci_tags WHERE repository = 'a' AND digest = 'b'",
    ['SEARCH oci_tags USING INDEX oci_tags_by_digest (repository=? AND digest=?)'],
  ],
  [
    'what gc must keep',
    "SELECT DISTINCT store_digest FROM oci_blobs WHERE store_digest > 'a' ORDER BY store_digest LIMIT 1000",
    ['SEARCH oci_blobs USING COVERING INDEX oci_blobs_by_store_digest (store_digest>?)'],
  ],
  [
    'repositories that have a blob',
    "SELECT repository FROM oci_blobs WHERE digest = 'a' AND store_digest = 'a' ORDER BY repository LIMIT 100",
    ['SEARCH oci_blobs USING COVERING INDEX oci_blobs_by_store_digest (store_digest=?)'],
  ],
  [
    'those that have it by another algorithm',
    "SELECT repository FROM oci_blobs WHERE digest = 'a' AND digest <> store_digest ORDER BY repository LIMIT 100",
    ['SEARCH oci_blobs USING INDEX oci_blobs_by_other_digest (digest=?)'],
  ],
])('%s are found by their index, also in a database that was just opened', async (_, query, plan) => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-state-'))
  try {
    const path = join(folder, 'larder.db')
    await (await openDatabase({ path, clock: systemClock })).close()
    const database = new DatabaseSync(path)
    const rows = database.prepare(`EXPLAIN QUERY PLAN ${query}`).all() as { detail: string }[]
    database.close()
    expect(rows.map(({ detail }) => detail)).toEqual(plan)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
