import { type Clock, type Digest, LarderError } from '../../core/index.ts'
import type { State } from '../../state/index.ts'
import type { BlobStore, LocalBlobs } from '../../store/index.ts'
import type { OciDigest, RepositoryName } from '../reference.ts'
import { manifestNaming } from './naming.ts'
import type { OpenBlob } from './registry.ts'

interface BlobRoom {
  state: State
  store: BlobStore & Partial<LocalBlobs>
  clock: Clock
}

/** Which blobs each repository has. */
export class Blobs {
  readonly #room: BlobRoom
  readonly #renewAfterMs: number

  /** `keepUnusedMs`: how long a blob that no manifest names is kept. */
  constructor(room: BlobRoom, keepUnusedMs: number) {
    this.#room = room
    this.#renewAfterMs = keepUnusedMs / 4
  }

  async open(repository: RepositoryName, digest: OciDigest): Promise<OpenBlob | undefined> {
    const { store } = this.#room
    const row = await this.#find(repository, digest)
    // Of bytes that are lost nobody may be told that they are here: a push leaves out what is, and would not bring them back.
    if (row === undefined || !(await this.#isStored(row))) return undefined
    const stored = row.store_digest as Digest
    return {
      digest,
      sizeBytes: row.size_bytes,
      open: (range) => store.read(stored, range),
      localPath: store.localPath?.(stored),
    }
  }

  /** Once the bytes are in the store, under a lease. */
  async add(repository: RepositoryName, blob: { digest: OciDigest; stored: Digest; sizeBytes: number }): Promise<void> {
    const { state } = this.#room
    const used_at = this.#now()
    await state.transaction((transaction) =>
      transaction
        .insertInto('oci_blobs')
        .values({ repository, digest: blob.digest, store_digest: blob.stored, size_bytes: blob.sizeBytes, used_at })
        .onConflict((conflict) => conflict.columns(['repository', 'digest']).doUpdateSet({ used_at }))
        .execute(),
    )
  }

  /** Whether the blob is in the other repository is asked in the transaction that adds it here: gc sees both or none. */
  async mount(repository: RepositoryName, digest: OciDigest, from: RepositoryName): Promise<boolean> {
    if ((await this.open(from, digest)) === undefined) return false
    const used_at = this.#now()
    return this.#room.state.transaction(async (transaction) => {
      const row = await transaction
        .selectFrom('oci_blobs')
        .select(['store_digest', 'size_bytes'])
        .where('repository', '=', from)
        .where('digest', '=', digest)
        .executeTakeFirst()
      if (row === undefined) return false
      await transaction
        .insertInto('oci_blobs')
        .values({ repository, digest, ...row, used_at })
        .onConflict((conflict) => conflict.columns(['repository', 'digest']).doUpdateSet({ used_at }))
        .execute()
      return true
    })
  }

  async remove(repository: RepositoryName, digest: OciDigest): Promise<void> {
    await this.#room.state.transaction(async (transaction) => {
      const user = await manifestNaming(transaction, repository, digest)
      if (user !== undefined) {
        throw new LarderError('OCI_BLOB_IN_USE', {
          message: `${digest} is a part of the manifest ${user} of ${repository}.`,
          hint: 'Delete that manifest first; its blobs go by themselves some time later.',
        })
      }
      const { numDeletedRows } = await transaction
        .deleteFrom('oci_blobs')
        .where('repository', '=', repository)
        .where('digest', '=', digest)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw blobUnknown(repository, digest)
    })
  }

  /** A client that found a blob counts on it: its time begins anew. Not at every look, which would cost a write. */
  async #find(repository: RepositoryName, digest: OciDigest) {
    const { state, clock } = this.#room
    const row = await state.db
      .selectFrom('oci_blobs')
      .select(['store_digest', 'size_bytes', 'used_at'])
      .where('repository', '=', repository)
      .where('digest', '=', digest)
      .executeTakeFirst()
    if (row === undefined || clock.now().getTime() - Date.parse(row.used_at) < this.#renewAfterMs) return row
    const { numUpdatedRows } = await state.relaxedTransaction((transaction) =>
      transaction
        .updateTable('oci_blobs')
        .set({ used_at: this.#now() })
        .where('repository', '=', repository)
        .where('digest', '=', digest)
        .executeTakeFirst(),
    )
    return numUpdatedRows === 0n ? undefined : row
  }

  /** One of another length counts as lost: a push replaces it. */
  async #isStored({ store_digest, size_bytes }: { store_digest: string; size_bytes: number }): Promise<boolean> {
    const stat = await this.#room.store.stat(store_digest as Digest)
    return stat?.sizeBytes === size_bytes
  }

  #now(): string {
    return this.#room.clock.now().toISOString()
  }
}

export function blobUnknown(repository: RepositoryName, digest: OciDigest): LarderError {
  return new LarderError('OCI_BLOB_UNKNOWN', {
    message: `${repository} has no blob ${digest}.`,
    hint: 'Push it, or mount it from a repository that has it.',
  })
}
