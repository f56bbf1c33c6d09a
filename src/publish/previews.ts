import type { Insertable, Selectable } from 'kysely'
import type { Clock, Digest } from '../core/index.ts'
import type { State, Tables } from '../state/index.ts'
import type { BlobStore, LeaseId, Leases } from '../store/index.ts'
import { blobsBeyond } from './add-snapshot.ts'
import type { KeyKind } from './openpgp-key.ts'
import type { Sealer } from './publication.ts'
import { readStoredTree, readTree } from './read-tree.ts'
import { sealTree } from './seal.ts'
import type { Tree } from './tree.ts'

/** What a mirror would be, signed, for clients to try. Its content is kept from gc until it is removed. */
export interface Preview {
  runId: number
  mirror: string
  format: string
  /** Of the key that signed it. */
  keyKind: KeyKind
  /** Sealed tree. */
  tree: Digest
  /** As a snapshot's. */
  meta: unknown
  /** Bytes that were fetched for it. */
  sizeBytes: number
  sealedAt: Date
  expiresAt: Date
}

export interface NewPreview extends Omit<Preview, 'sealedAt'> {
  /** Keeps what was composed until the preview does. */
  lease: LeaseId
  sealer: Sealer
}

/** The most that there may be at a time: the oldest runs' go first. */
export interface PreviewQuota {
  /** Runs that have previews. */
  runs: number
  bytes: number
}

/** Previews of all runs. They are signed, they expire, and no publication knows of them. */
export interface Previews {
  /** Takes the place of what the run had for the mirror. BLOB_MISSING, DISK_FULL, KEY_LOCKED. */
  add(preview: NewPreview): Promise<Preview>
  /** Newest run first. */
  list(): Promise<Preview[]>
  ofRun(runId: number): Promise<Preview[]>
  /** What clients of a preview see. Undefined when it has expired or never was. */
  tree(runId: number, mirror: string): Promise<{ preview: Preview; tree: Tree } | undefined>
  /** Answers how many were there. */
  remove(runIds: readonly number[]): Promise<number>
  /** Removes what has expired, and what is beyond the quota. Answers how many. */
  expire(quota: PreviewQuota): Promise<number>
}

export interface PreviewsOptions {
  state: State
  store: BlobStore
  leases: Leases
  clock: Clock
}

export function createPreviews(options: PreviewsOptions): Previews {
  const { state, store, clock } = options
  const trees = new TreeMemory(store)
  const list = async (): Promise<Preview[]> => {
    const rows = await state.db.selectFrom('previews').selectAll().orderBy('run_id', 'desc').orderBy('mirror').execute()
    return rows.map(previewOf)
  }
  const remove = async (runIds: readonly number[]): Promise<number> => {
    if (runIds.length === 0) return 0
    const result = await state.transaction((db) =>
      db.deleteFrom('previews').where('run_id', 'in', runIds).executeTakeFirst(),
    )
    return Number(result.numDeletedRows)
  }
  return {
    add: (preview) => addPreview(options, preview),
    list,
    async ofRun(runId) {
      const rows = await state.db
        .selectFrom('previews')
        .selectAll()
        .where('run_id', '=', runId)
        .orderBy('mirror')
        .execute()
      return rows.map(previewOf)
    },
    async tree(runId, mirror) {
      const rows = state.db.selectFrom('previews').selectAll().where('run_id', '=', runId).where('mirror', '=', mirror)
      const row = await rows.executeTakeFirst()
      if (row === undefined || new Date(row.expires_at) <= clock.now()) return undefined
      const preview = previewOf(row)
      return { preview, tree: await trees.read(preview.tree) }
    },
    remove,
    async expire({ runs, bytes }) {
      const now = clock.now()
      const gone: number[] = []
      let [keptRuns, keptBytes] = [0, 0]
      for (const [runId, previews] of Map.groupBy(await list(), (preview) => preview.runId)) {
        const sizeBytes = previews.reduce((sum, preview) => sum + preview.sizeBytes, 0)
        const isOver = previews.every((preview) => preview.expiresAt <= now)
        if (isOver || keptRuns + 1 > runs || keptBytes + sizeBytes > bytes) gone.push(runId)
        else [keptRuns, keptBytes] = [keptRuns + 1, keptBytes + sizeBytes]
      }
      return remove(gone)
    },
  }
}

async function addPreview({ state, store, leases, clock }: PreviewsOptions, given: NewPreview): Promise<Preview> {
  const { lease, sealer, ...preview } = given
  const { mirror, meta, runId, expiresAt } = preview
  const sealedAt = new Date(Math.floor(clock.now().getTime() / 1000) * 1000)
  const snapshot = { mirror, meta, tree: preview.tree, number: 0, createdAt: sealedAt, origin: `run ${runId}` }
  const tree = await sealTree(store, { snapshot, sealer, lease, sealedAt, validUntil: expiresAt })
  // What a publication had may have gone since it was looked at.
  await leases.pin(lease, await blobsBeyond(store, await readStoredTree(store, tree.digest), undefined))
  const made: Preview = { ...preview, tree: tree.digest, sealedAt }
  await state.transaction(async (db) => {
    await db.deleteFrom('previews').where('run_id', '=', runId).where('mirror', '=', mirror).execute()
    await db.insertInto('previews').values(rowOf(made)).execute()
  })
  return made
}

/** The last trees that were asked for: a client asks for dozens of files of one. */
class TreeMemory {
  readonly #store: BlobStore
  readonly #trees = new Map<Digest, Promise<Tree>>()

  constructor(store: BlobStore) {
    this.#store = store
  }

  async read(digest: Digest): Promise<Tree> {
    const known = this.#trees.get(digest)
    if (known !== undefined) return known
    const reading = readTree(this.#store, digest)
    this.#trees.set(digest, reading)
    const [oldest] = this.#trees.keys()
    if (this.#trees.size > keptTrees && oldest !== undefined) this.#trees.delete(oldest)
    // What could not be read once may be there again after a repair.
    return reading.catch((error: unknown) => {
      this.#trees.delete(digest)
      throw error
    })
  }
}

const keptTrees = 4

function previewOf(row: Selectable<Tables['previews']>): Preview {
  return {
    runId: row.run_id,
    mirror: row.mirror,
    format: row.format,
    keyKind: row.key_kind,
    tree: row.tree as Digest,
    meta: JSON.parse(row.meta),
    sizeBytes: row.size_bytes,
    sealedAt: new Date(row.sealed_at),
    expiresAt: new Date(row.expires_at),
  }
}

function rowOf(preview: Preview): Insertable<Tables['previews']> {
  return {
    run_id: preview.runId,
    mirror: preview.mirror,
    format: preview.format,
    key_kind: preview.keyKind,
    tree: preview.tree,
    meta: JSON.stringify(preview.meta),
    size_bytes: preview.sizeBytes,
    sealed_at: preview.sealedAt.toISOString(),
    expires_at: preview.expiresAt.toISOString(),
  }
}
