import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import { type Clock, LarderError } from '../../core/index.ts'
import type { State, Tables } from '../../state/index.ts'
import { type Manifest, maxManifestBytes, parseManifest } from '../manifest.ts'
import { algorithmOf, type OciDigest, type Reference, type RepositoryName } from '../reference.ts'
import { requireLinked } from './require-linked.ts'
import type { ManifestInfo, NewManifest, PutManifest } from './registry.ts'

interface ManifestRoom {
  state: State
  clock: Clock
}

/** Manifests and the tags that name them: both change in one transaction. */
export class Manifests {
  readonly #room: ManifestRoom
  readonly #renewAfterMs: number

  /** `keepUnusedMs`: how long a manifest without a tag is kept. */
  constructor(room: ManifestRoom, keepUnusedMs: number) {
    this.#room = room
    this.#renewAfterMs = keepUnusedMs / 4
  }

  async put(repository: RepositoryName, reference: Reference, given: NewManifest): Promise<PutManifest> {
    const { bytes } = given
    if (bytes.length > maxManifestBytes) {
      throw new LarderError('OCI_MANIFEST_TOO_LARGE', {
        message: `The manifest has ${bytes.length} bytes; at most ${maxManifestBytes} are taken.`,
        hint: 'Put large content into blobs.',
      })
    }
    const manifest = parseManifest(bytes, given.contentType)
    const digest = digestOfManifest(bytes, reference)
    const info: ManifestInfo = { digest, mediaType: manifest.mediaType, sizeBytes: bytes.length }
    await this.#room.state.transaction(async (transaction) => {
      if (given.isPartial !== true) await requireLinked(transaction, repository, manifest)
      await this.#insert(transaction, { repository, info, manifest, bytes })
      for (const tag of 'tag' in reference ? [reference.tag] : (given.tags ?? [])) {
        await this.#moveTag(transaction, { repository, tag, digest, isFixed: given.isFixed ?? false })
      }
    })
    return { ...info, subject: manifest.subject }
  }

  async find(repository: RepositoryName, reference: Reference): Promise<ManifestInfo | undefined> {
    const { db } = this.#room.state
    const row =
      'tag' in reference
        ? await db
            .selectFrom('oci_tags')
            .innerJoin('oci_manifests', (join) =>
              join
                .onRef('oci_manifests.repository', '=', 'oci_tags.repository')
                .onRef('oci_manifests.digest', '=', 'oci_tags.digest'),
            )
            .select(['oci_manifests.digest', 'media_type', 'size_bytes', 'used_at'])
            .where('oci_tags.repository', '=', repository)
            .where('oci_tags.name', '=', reference.tag)
            .executeTakeFirst()
        : await db
            .selectFrom('oci_manifests')
            .select(['digest', 'media_type', 'size_bytes', 'used_at'])
            .where('repository', '=', repository)
            .where('digest', '=', reference.digest)
            .executeTakeFirst()
    const isThere = row === undefined || 'tag' in reference || (await this.#renew(repository, row))
    if (!isThere) return undefined
    return row && { digest: row.digest as OciDigest, mediaType: row.media_type, sizeBytes: row.size_bytes }
  }

  async content(repository: RepositoryName, digest: OciDigest): Promise<Uint8Array> {
    const row = await this.#room.state.db
      .selectFrom('oci_manifest_contents')
      .select('content')
      .where('repository', '=', repository)
      .where('digest', '=', digest)
      .executeTakeFirst()
    if (row === undefined) throw manifestUnknown(repository, { digest })
    return row.content
  }

  async remove(repository: RepositoryName, reference: Reference): Promise<void> {
    await this.#room.state.transaction(async (transaction) => {
      const removed =
        'tag' in reference
          ? await removeTag(transaction, { repository, tag: reference.tag, now: this.#now() })
          : await transaction
              .deleteFrom('oci_manifests')
              .where('repository', '=', repository)
              .where('digest', '=', reference.digest)
              .executeTakeFirst()
              .then(({ numDeletedRows }) => numDeletedRows > 0n)
      if (!removed) throw manifestUnknown(repository, reference)
    })
  }

  async #insert(
    transaction: Transaction<Tables>,
    one: { repository: RepositoryName; info: ManifestInfo; manifest: Manifest; bytes: Uint8Array },
  ): Promise<void> {
    const { repository, info, manifest, bytes } = one
    const now = this.#now()
    await transaction
      .insertInto('oci_manifests')
      .values({
        repository,
        digest: info.digest,
        media_type: info.mediaType,
        size_bytes: info.sizeBytes,
        subject: manifest.subject ?? null,
        artifact_type: manifest.artifactType ?? null,
        annotations: manifest.annotations === undefined ? null : JSON.stringify(manifest.annotations),
        pushed_at: now,
        used_at: now,
      })
      .onConflict((conflict) =>
        conflict.columns(['repository', 'digest']).doUpdateSet({ used_at: now, media_type: info.mediaType }),
      )
      .execute()
    await transaction
      .insertInto('oci_manifest_contents')
      .values({ repository, digest: info.digest, content: bytes })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await insertLinks(transaction, { repository, digest: info.digest, manifest })
  }

  async #moveTag(
    transaction: Transaction<Tables>,
    {
      repository,
      tag,
      digest,
      isFixed,
    }: { repository: RepositoryName; tag: string; digest: OciDigest; isFixed: boolean },
  ): Promise<void> {
    const moved_at = this.#now()
    const before = await transaction
      .selectFrom('oci_tags')
      .select(['digest', 'is_fixed'])
      .where('repository', '=', repository)
      .where('name', '=', tag)
      .executeTakeFirst()
    const is_fixed = isFixed ? 1 : 0
    if (before?.digest === digest && before.is_fixed >= is_fixed) return
    if (before?.is_fixed === 1 && before.digest !== digest) {
      throw new LarderError('OCI_TAG_IMMUTABLE', {
        message: `${repository}:${tag} is ${before.digest} and stays so; what was pushed is ${digest}.`,
        hint: 'Give the new content a version of its own, or declare the image `mutable: true`.',
      })
    }
    await transaction
      .insertInto('oci_tags')
      .values({ repository, name: tag, digest, moved_at, is_fixed })
      .onConflict((conflict) => conflict.columns(['repository', 'name']).doUpdateSet({ digest, moved_at, is_fixed }))
      .execute()
    if (before !== undefined) await lostTag(transaction, { repository, digest: before.digest, now: moved_at })
  }

  /** Whoever found it by its digest may be about to name it in an index. False when it went meanwhile. */
  async #renew(repository: RepositoryName, row: { digest: string; used_at: string }): Promise<boolean> {
    const { state, clock } = this.#room
    if (clock.now().getTime() - Date.parse(row.used_at) < this.#renewAfterMs) return true
    const { numUpdatedRows } = await state.relaxedTransaction((transaction) =>
      transaction
        .updateTable('oci_manifests')
        .set({ used_at: this.#now() })
        .where('repository', '=', repository)
        .where('digest', '=', row.digest)
        .executeTakeFirst(),
    )
    return numUpdatedRows > 0n
  }

  #now(): string {
    return this.#room.clock.now().toISOString()
  }
}

export function manifestUnknown(repository: RepositoryName, reference: Reference): LarderError {
  const name = 'tag' in reference ? `${repository}:${reference.tag}` : `${repository}@${reference.digest}`
  return new LarderError('OCI_MANIFEST_UNKNOWN', {
    message: `There is no manifest ${name}.`,
    hint: 'The tags that there are: GET /v2/<name>/tags/list.',
  })
}

function digestOfManifest(bytes: Uint8Array, reference: Reference): OciDigest {
  const algorithm = 'digest' in reference ? algorithmOf(reference.digest) : 'sha256'
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as OciDigest
  if (!('digest' in reference) || reference.digest === digest) return digest
  throw new LarderError('OCI_DIGEST_INVALID', {
    message: `The manifest that came is ${digest}, not ${reference.digest}.`,
    hint: 'The digest is that of the bytes exactly as they are sent.',
  })
}

/** Rows of one statement: SQLite takes 32,766 values. */
const rowsAtOnce = 1000

async function insertLinks(
  transaction: Transaction<Tables>,
  { repository, digest, manifest }: { repository: RepositoryName; digest: OciDigest; manifest: Manifest },
): Promise<void> {
  const link = (kind: 'blob' | 'manifest') => (target: string) => ({ repository, manifest: digest, kind, target })
  const rows = [...distinct(manifest.blobs).map(link('blob')), ...distinct(manifest.manifests).map(link('manifest'))]
  for (let start = 0; start < rows.length; start += rowsAtOnce) {
    await transaction
      .insertInto('oci_links')
      .values(rows.slice(start, start + rowsAtOnce))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

function distinct(descriptors: readonly { digest: string }[]): string[] {
  return [...new Set(descriptors.map(({ digest }) => digest))]
}

async function removeTag(
  transaction: Transaction<Tables>,
  { repository, tag, now }: { repository: RepositoryName; tag: string; now: string },
): Promise<boolean> {
  const row = await transaction
    .deleteFrom('oci_tags')
    .where('repository', '=', repository)
    .where('name', '=', tag)
    .returning('digest')
    .executeTakeFirst()
  if (row === undefined) return false
  await lostTag(transaction, { repository, digest: row.digest, now })
  return true
}

/** Whoever has just asked what the tag was may still pull it. */
async function lostTag(
  transaction: Transaction<Tables>,
  { repository, digest, now }: { repository: RepositoryName; digest: string; now: string },
): Promise<void> {
  await transaction
    .updateTable('oci_manifests')
    .set({ used_at: now })
    .where('repository', '=', repository)
    .where('digest', '=', digest)
    .execute()
}
