import { setTimeout } from 'node:timers/promises'
import { sql, type RawBuilder } from 'kysely'
import type { Clock } from '../../core/index.ts'
import type { State } from '../../state/index.ts'
import type { Uploads } from './uploads.ts'

interface TidyOptions {
  state: State
  clock: Clock
  uploads: Uploads
  keepUnusedMs: number
  signal: AbortSignal | undefined
}

/** Rows of one transaction, which takes about as long as the pause after it: a push has some twenty steps, and may wait before each. */
const rowsAtOnce = 100
const pauseMs = 2

/**
 * Forgets what nothing refers to and nobody has used for `keepUnusedMs`: uploads, then manifests without a tag that no
 * index names, that were not read through from elsewhere and that refer to no image that is still there, then blobs that
 * no manifest names. What was asked for lately stays: whoever found it there may be about to name it.
 */
export async function tidyRegistry(
  options: TidyOptions,
): Promise<{ uploads: number; manifests: number; blobs: number }> {
  const { clock, uploads, keepUnusedMs } = options
  const unusedSince = new Date(clock.now().getTime() - keepUnusedMs)
  const before = unusedSince.toISOString()
  const removed = {
    uploads: await uploads.expire(unusedSince),
    manifests: await removeManifests(options, before),
    blobs: await removeRows(options, 'oci_blobs', unusedBlob(before)),
  }
  // A row must not come back after a power cut when gc has removed its blob: durable with all that came before.
  await options.state.transaction(() => Promise.resolve())
  return removed
}

/** An index that goes may leave manifests behind that only it named, and so on. */
async function removeManifests(options: TidyOptions, before: string): Promise<number> {
  let removed = 0
  for (;;) {
    const more = await removeRows(options, 'oci_manifests', unusedManifest(before))
    if (more === 0) return removed
    removed += more
  }
}

function unusedManifest(before: string): RawBuilder<boolean> {
  return sql<boolean>`used_at < ${before}
    AND NOT EXISTS (SELECT 1 FROM oci_tags
      WHERE oci_tags.repository = oci_manifests.repository AND oci_tags.digest = oci_manifests.digest)
    AND NOT EXISTS (SELECT 1 FROM oci_links
      WHERE oci_links.repository = oci_manifests.repository AND oci_links.target = oci_manifests.digest
        AND oci_links.kind = 'manifest')
    AND NOT EXISTS (SELECT 1 FROM oci_cached
      WHERE oci_cached.repository = oci_manifests.repository AND oci_cached.digest = oci_manifests.digest)
    AND NOT EXISTS (SELECT 1 FROM oci_manifests AS subjects
      WHERE subjects.repository = oci_manifests.repository AND subjects.digest = oci_manifests.subject)`
}

function unusedBlob(before: string): RawBuilder<boolean> {
  return sql<boolean>`used_at < ${before}
    AND NOT EXISTS (SELECT 1 FROM oci_links
      WHERE oci_links.repository = oci_blobs.repository AND oci_links.target = oci_blobs.digest
        AND oci_links.kind = 'blob')`
}

/**
 * Goes over the table once, in the order of its key, and does not wait for the disk. A slice is judged and removed in one transaction, so a manifest
 * that is pushed meanwhile finds its blobs there or is told that they are not.
 */
async function removeRows(
  { state, signal }: TidyOptions,
  table: 'oci_blobs' | 'oci_manifests',
  condition: RawBuilder<boolean>,
): Promise<number> {
  let removed = 0
  let after = { repository: '', digest: '' }
  for (;;) {
    signal?.throwIfAborted()
    const { last, count } = await state.relaxedTransaction(async (transaction) => {
      const slice = await transaction
        .selectFrom(table)
        .select(['repository', 'digest'])
        .where(sql<boolean>`(repository, digest) > (${after.repository}, ${after.digest})`)
        .orderBy('repository')
        .orderBy('digest')
        .limit(rowsAtOnce)
        .execute()
      const end = slice.at(-1)
      if (end === undefined) return { last: undefined, count: 0 }
      const { numDeletedRows } = await transaction
        .deleteFrom(table)
        .where(sql<boolean>`(repository, digest) > (${after.repository}, ${after.digest})`)
        .where(sql<boolean>`(repository, digest) <= (${end.repository}, ${end.digest})`)
        .where(condition)
        .executeTakeFirst()
      return { last: end, count: Number(numDeletedRows) }
    })
    removed += count
    if (last === undefined) return removed
    after = last
    await setTimeout(pauseMs)
  }
}
