import { randomUUID } from 'node:crypto'
import { type Clock, type Digest, isLarderError, LarderError, Mutex } from '../../core/index.ts'
import type { State } from '../../state/index.ts'
import type { BlobStore, CollectableLeases, Expectation, LeaseId, Upload } from '../../store/index.ts'
import { algorithmOf, type OciDigest, type RepositoryName } from '../reference.ts'
import { appendPart } from './append-part.ts'
import type { Blobs } from './blobs.ts'
import type { BlobInfo, UploadPart } from './registry.ts'
import { uploadChanged, uploadUnknown } from './upload-unknown.ts'

interface UploadRoom {
  state: State
  store: BlobStore
  leases: CollectableLeases
  clock: Clock
}

/** An upload that a request has looked at in this process. */
interface Session {
  readonly repository: RepositoryName
  readonly turn: Mutex
  /** Begun before this process was: what is left of it may be more or less than its client was told. */
  readonly isRevived: boolean
  /** Open while it is in use and shortly after. */
  upload: Upload | undefined
  lease: LeaseId | undefined
  offsetBytes: number | undefined
  touchedAt: number
  idle: NodeJS.Timeout | undefined
}

/** Bytes on their way, which outlive connections and restarts. */
export class Uploads {
  readonly #room: UploadRoom
  readonly #blobs: Blobs
  readonly #sessions = new Map<string, Session>()

  constructor(room: UploadRoom, blobs: Blobs) {
    this.#room = room
    this.#blobs = blobs
  }

  async begin(repository: RepositoryName): Promise<string> {
    const id = randomUUID()
    const touched_at = this.#now().toISOString()
    await this.#room.state.relaxedTransaction((transaction) =>
      transaction.insertInto('oci_uploads').values({ id, repository, touched_at }).execute(),
    )
    this.#sessions.set(id, this.#newSession(repository, { isRevived: false }))
    return id
  }

  async offset(repository: RepositoryName, id: string): Promise<number> {
    const session = await this.#find(repository, id)
    return session.offsetBytes ?? this.#inTurn(id, session, async (upload) => upload.offsetBytes)
  }

  async write(repository: RepositoryName, id: string, part: UploadPart): Promise<number> {
    const session = await this.#find(repository, id)
    return this.#inTurn(id, session, (upload) => this.#append(session, upload, part))
  }

  async finish(
    repository: RepositoryName,
    id: string,
    { digest, part }: { digest: OciDigest; part: UploadPart },
  ): Promise<BlobInfo> {
    const session = await this.#find(repository, id)
    return this.#inTurn(id, session, async (upload) => {
      await this.#append(session, upload, part)
      session.upload = undefined
      const stored = await this.#commit(upload, digest).catch(async (error: unknown) => {
        if (!isLarderError(error, 'OCI_DIGEST_INVALID')) throw error
        await this.#forget(id, session)
        throw session.isRevived ? uploadChanged(repository, id, error) : error
      })
      await this.#blobs.add(repository, { digest, stored: stored.digest, sizeBytes: stored.sizeBytes })
      await this.#forget(id, session)
      return { digest, sizeBytes: stored.sizeBytes }
    })
  }

  async cancel(repository: RepositoryName, id: string): Promise<void> {
    const session = await this.#find(repository, id)
    await this.#inTurn(id, session, async (upload) => {
      session.upload = undefined
      await upload.abort()
      await this.#forget(id, session)
    })
  }

  /** Those that nobody touched since. Answers how many there were. */
  async expire(unusedSince: Date): Promise<number> {
    const rows = await this.#room.state.db
      .selectFrom('oci_uploads')
      .select(['id', 'repository'])
      .where('touched_at', '<', unusedSince.toISOString())
      .execute()
    let expired = 0
    for (const { id, repository } of rows) {
      const session = this.#sessions.get(id)
      if (session !== undefined && session.touchedAt >= unusedSince.getTime()) continue
      await this.cancel(repository as RepositoryName, id).catch(unlessUnknown)
      expired++
    }
    return expired
  }

  async leaseHolders(): Promise<string[]> {
    const rows = await this.#room.state.db.selectFrom('oci_uploads').select('id').execute()
    return rows.map(({ id }) => leaseHolder(id))
  }

  async suspendAll(): Promise<void> {
    for (const session of this.#sessions.values()) {
      await session.turn.run(() => this.#suspend(session))
    }
    this.#sessions.clear()
  }

  async #find(repository: RepositoryName, id: string): Promise<Session> {
    const known = this.#sessions.get(id)
    if (known?.repository === repository) return known
    const row =
      known === undefined && uploadId.test(id)
        ? await this.#room.state.db
            .selectFrom('oci_uploads')
            .select('repository')
            .where('id', '=', id)
            .executeTakeFirst()
        : undefined
    if (row?.repository !== repository) throw uploadUnknown(repository, id)
    const again = this.#sessions.get(id)
    if (again !== undefined) return again
    const session = this.#newSession(repository, { isRevived: true })
    this.#sessions.set(id, session)
    return session
  }

  #newSession(repository: RepositoryName, { isRevived }: Pick<Session, 'isRevived'>): Session {
    return {
      repository,
      isRevived,
      turn: new Mutex(),
      upload: undefined,
      lease: undefined,
      offsetBytes: undefined,
      touchedAt: this.#now().getTime(),
      idle: undefined,
    }
  }

  /** One request at a time; the file stays open for the next one, which mostly comes at once. */
  async #inTurn<T>(id: string, session: Session, work: (upload: Upload) => Promise<T>): Promise<T> {
    const done = await session.turn.acquire()
    clearTimeout(session.idle)
    try {
      if (this.#sessions.get(id) !== session) throw uploadUnknown(session.repository, id)
      session.upload ??= await this.#open(id, session)
      session.offsetBytes = session.upload.offsetBytes
      return await work(session.upload)
    } finally {
      await this.#touch(id, session)
      if (session.upload !== undefined) session.idle = this.#suspendLater(session)
      done()
    }
  }

  async #open(id: string, session: Session): Promise<Upload> {
    const { leases, store } = this.#room
    session.lease = await leases.acquire(leaseHolder(id), leaseMs)
    return store.openUpload(session.lease, `registry/${id}`)
  }

  #append(session: Session, upload: Upload, part: UploadPart): Promise<number> {
    return appendPart(upload, part, (offsetBytes) => {
      session.offsetBytes = offsetBytes
    })
  }

  async #commit(upload: Upload, digest: OciDigest): Promise<{ digest: Digest; sizeBytes: number }> {
    const hex = digest.slice(digest.indexOf(':') + 1)
    const expected: Expectation = algorithmOf(digest) === 'sha512' ? { sha512: hex } : { sha256: hex }
    try {
      return await upload.commit(expected)
    } catch (error) {
      if (!isLarderError(error, 'DIGEST_MISMATCH')) throw error
      throw new LarderError('OCI_DIGEST_INVALID', {
        message: `The bytes that came are not those of ${digest}.`,
        hint: 'Push the blob again from its first byte.',
        cause: error,
      })
    }
  }

  async #forget(id: string, { lease }: Session): Promise<void> {
    const { state, leases } = this.#room
    this.#sessions.delete(id)
    await state.relaxedTransaction((transaction) =>
      transaction.deleteFrom('oci_uploads').where('id', '=', id).execute(),
    )
    if (lease !== undefined) await leases.release(lease)
  }

  /** Written down now and then only: an upload is kept for a day. */
  async #touch(id: string, session: Session): Promise<void> {
    const now = this.#now()
    if (now.getTime() - session.touchedAt < touchEveryMs || this.#sessions.get(id) !== session) return
    session.touchedAt = now.getTime()
    await this.#room.state.relaxedTransaction((transaction) =>
      transaction.updateTable('oci_uploads').set({ touched_at: now.toISOString() }).where('id', '=', id).execute(),
    )
    await this.#room.leases.acquire(leaseHolder(id), leaseMs)
  }

  #suspendLater(session: Session): NodeJS.Timeout {
    const suspend = (): void => {
      session.turn.run(() => this.#suspend(session)).catch(() => undefined)
    }
    return setTimeout(suspend, idleMs).unref()
  }

  async #suspend(session: Session): Promise<void> {
    const { upload } = session
    session.upload = undefined
    clearTimeout(session.idle)
    await upload?.suspend()
  }

  #now(): Date {
    return this.#room.clock.now()
  }
}

/** An upload that nobody goes on with is closed after this, and taken up again when somebody does. */
const idleMs = 60_000
const touchEveryMs = 600_000
/** Longer than an upload is kept: expiry, not the lease, ends it. */
const leaseMs = 7 * 24 * 3600_000
const leaseHolder = (id: string): string => `registry/upload/${id}`
const uploadId = /^[0-9a-f-]{36}$/

function unlessUnknown(error: unknown): void {
  if (!isLarderError(error, 'OCI_UPLOAD_UNKNOWN')) throw error
}
