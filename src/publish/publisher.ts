import { randomUUID } from 'node:crypto'
import { LarderError, isLarderError, type Clock, type Digest } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { BlobStore, LeaseId, Leases } from '../store/index.ts'
import { addSnapshot, blobsBeyond, type NewSnapshot } from './add-snapshot.ts'
import { forgetUnreadable } from './forget-unreadable.ts'
import { PublicationMemory } from './publication-memory.ts'
import type { Publication, Sealer, Snapshot } from './publication.ts'
import { currentPublication, listPublications, publishedMirrors, withdrawPublication } from './publications.ts'
import type { PublishedEntry } from './published-mirror.ts'
import { readStoredTree } from './read-tree.ts'
import { pruneMirror, type Retention } from './retention.ts'
import { publicationRoots } from './roots.ts'
import { seal, type PreparedPublication, type SealOptions } from './seal.ts'
import { getSnapshot, listSnapshots } from './snapshots.ts'
import { switchPublication, type Alongside } from './switch-publication.ts'
import type { Tree } from './tree.ts'

export interface PublisherOptions {
  state: State
  store: BlobStore
  leases: Leases
  clock: Clock
}

/** Prepares and switches in one go, for what no run has prepared. */
export interface PublishOptions {
  mirror: string
  /** Number of the snapshot. */
  number: number
  sealer: Sealer
  validForMs?: number | undefined
  alongside?: Alongside | undefined
  /** Only while this generation is the current one: PUBLICATION_OUTDATED otherwise. */
  replaces?: number | undefined
}

/** Snapshots and publications of all mirrors. Knows no package format. */
export interface Publisher {
  /** The same tree twice is the same snapshot. BLOB_MISSING. */
  addSnapshot(snapshot: NewSnapshot): Promise<Snapshot>
  /** Newest first. */
  snapshots(mirror: string): Promise<Snapshot[]>
  /** SNAPSHOT_UNKNOWN. */
  snapshot(mirror: string, number: number): Promise<Snapshot>

  /** Everything but the switch; nothing outside changes. CLOCK_BEHIND, DISK_FULL, KEY_LOCKED. */
  prepare(options: SealOptions): Promise<PreparedPublication>
  /** Atomic, quick, and the same when done twice (`alongside` is then not called again). PUBLICATION_OUTDATED: prepare again. SNAPSHOT_UNKNOWN, BLOB_MISSING. */
  switchTo(prepared: PreparedPublication, alongside?: Alongside, replaces?: number): Promise<Publication>
  /** Makes another snapshot, or the same sealed anew, the publication. SNAPSHOT_UNKNOWN, and with `replaces` PUBLICATION_OUTDATED. */
  promote(options: PublishOptions): Promise<Publication>
  /** The snapshot that was published before the current one was; after a rollback that is the one rolled back from. PUBLICATION_NONE. */
  rollbackTarget(mirror: string): Promise<Snapshot>
  /** Promotes the rollback target. */
  rollback(options: Omit<PublishOptions, 'number'>): Promise<Publication>

  current(mirror: string): Promise<Publication | undefined>
  /** The current publication's tree. PUBLICATION_NONE. */
  currentTree(mirror: string): Promise<Tree>
  /** Names of the mirrors that are published. */
  mirrors(): Promise<string[]>
  /** Names of the mirrors that have been published at some time. */
  mirrorsWithSnapshots(): Promise<string[]>
  /** Ends the publication of a mirror: clients find nothing there. Its snapshots stay until retention takes them. */
  withdraw(mirror: string): Promise<void>
  /** Kept publications, newest first. */
  publications(mirror: string): Promise<Publication[]>
  /** What a client gets at the path, from the current generation or, if it is stable, an older one. Quick. */
  lookup(mirror: string, path: string): Promise<PublishedEntry | undefined>
  /** Publications of which half of the validity is over. */
  needsResealing(now: Date): Promise<Publication[]>

  /** For one mirror, or all. Never touches what is current. */
  prune(retention: Retention & { mirror?: string | undefined }): Promise<{ publications: number; snapshots: number }>
  /** Forgets what is not current and whose list of files cannot be read; see forget-unreadable.ts. */
  forgetUnreadable(): Promise<{ publications: number; snapshots: number }>
  /** Every blob that snapshots and publications need: for gc. BLOB_MISSING, BLOB_DAMAGED. */
  roots(): AsyncIterable<Digest>
}

export function createPublisher(options: PublisherOptions): Publisher {
  return new DatabasePublisher(options)
}

class DatabasePublisher implements Publisher {
  readonly #room: PublisherOptions
  readonly #memory: PublicationMemory

  constructor(options: PublisherOptions) {
    this.#room = options
    this.#memory = new PublicationMemory(options.state, options.store)
  }

  addSnapshot(snapshot: NewSnapshot): Promise<Snapshot> {
    return this.#underLease((lease) => addSnapshot({ ...this.#room, lease }, snapshot))
  }

  snapshots(mirror: string): Promise<Snapshot[]> {
    return listSnapshots(this.#room.state.db, mirror)
  }

  snapshot(mirror: string, number: number): Promise<Snapshot> {
    return getSnapshot(this.#room.state.db, mirror, number)
  }

  prepare(options: SealOptions): Promise<PreparedPublication> {
    return seal(this.#room, options)
  }

  switchTo(prepared: PreparedPublication, alongside?: Alongside, replaces?: number): Promise<Publication> {
    const { state, store, leases } = this.#room
    return this.#underLease(async (lease) => {
      const tree = await readStoredTree(store, prepared.tree)
      // A lease that ran out between prepare and now must not become a broken publication.
      await leases.pin(lease, await blobsBeyond(store, tree, prepared.snapshotTree))
      return this.#memory.change(tree, () => switchPublication(state, prepared, { alongside, replaces }))
    })
  }

  async promote({ mirror, number, sealer, validForMs, alongside, replaces }: PublishOptions): Promise<Publication> {
    const snapshot = await this.snapshot(mirror, number)
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#underLease(async (lease) =>
          this.switchTo(await this.prepare({ snapshot, sealer, lease, validForMs }), alongside, replaces),
        )
      } catch (error) {
        const mayRepeat = attempt < sealAttempts && replaces === undefined
        if (!mayRepeat || !isLarderError(error, 'PUBLICATION_OUTDATED')) throw error
      }
    }
  }

  async rollbackTarget(mirror: string): Promise<Snapshot> {
    const [current, ...earlier] = await this.publications(mirror)
    const before = earlier.find((one) => one.snapshotNumber !== current?.snapshotNumber)
    if (before === undefined) throw nothingBefore(mirror, current)
    return this.snapshot(mirror, before.snapshotNumber)
  }

  async rollback(options: Omit<PublishOptions, 'number'>): Promise<Publication> {
    const { number } = await this.rollbackTarget(options.mirror)
    return this.promote({ ...options, number })
  }

  current(mirror: string): Promise<Publication | undefined> {
    return currentPublication(this.#room.state.db, mirror)
  }

  async currentTree(mirror: string): Promise<Tree> {
    const [generation] = (await this.#memory.get(mirror))?.generations ?? []
    if (generation === undefined) throw nothingBefore(mirror, undefined)
    return generation.tree
  }

  mirrors(): Promise<string[]> {
    return publishedMirrors(this.#room.state.db)
  }

  mirrorsWithSnapshots(): Promise<string[]> {
    return mirrorsWithSnapshots(this.#room.state)
  }

  withdraw(mirror: string): Promise<void> {
    return this.#memory.forget(mirror, () => withdrawPublication(this.#room.state, mirror))
  }

  publications(mirror: string): Promise<Publication[]> {
    return listPublications(this.#room.state.db, mirror)
  }

  async lookup(mirror: string, path: string): Promise<PublishedEntry | undefined> {
    const published = this.#memory.get(mirror)
    return (published instanceof Promise ? await published : published)?.lookup(path)
  }

  async needsResealing(now: Date): Promise<Publication[]> {
    const mirrors = await publishedMirrors(this.#room.state.db)
    const publications = await Promise.all(mirrors.map((mirror) => this.current(mirror)))
    return publications.filter((one) => one !== undefined).filter((one) => isHalfOver(one, now))
  }

  async prune(
    options: Retention & { mirror?: string | undefined },
  ): Promise<{ publications: number; snapshots: number }> {
    const room = { state: this.#room.state, memory: this.#memory, now: this.#room.clock.now() }
    const result = { publications: 0, snapshots: 0 }
    for (const mirror of options.mirror === undefined ? await mirrorsWithSnapshots(room.state) : [options.mirror]) {
      const one = await pruneMirror(room, mirror, options)
      result.publications += one.publications
      result.snapshots += one.snapshots
    }
    return result
  }

  async forgetUnreadable(): Promise<{ publications: number; snapshots: number }> {
    const room = { state: this.#room.state, store: this.#room.store, memory: this.#memory }
    const result = { publications: 0, snapshots: 0 }
    for (const mirror of await mirrorsWithSnapshots(room.state)) {
      const one = await forgetUnreadable(room, mirror)
      result.publications += one.publications
      result.snapshots += one.snapshots
    }
    return result
  }

  roots(): AsyncIterable<Digest> {
    return publicationRoots(this.#room.state, this.#room.store)
  }

  async #underLease<T>(work: (lease: LeaseId) => Promise<T>): Promise<T> {
    const lease = await this.#room.leases.acquire(`publish/${randomUUID()}`)
    try {
      return await work(lease)
    } finally {
      await this.#room.leases.release(lease)
    }
  }
}

/** Somebody else may publish between sealing and switching; not this often. */
const sealAttempts = 5

function isHalfOver({ sealedAt, validUntil }: Publication, now: Date): boolean {
  return validUntil !== undefined && now.getTime() >= (sealedAt.getTime() + validUntil.getTime()) / 2
}

function nothingBefore(mirror: string, current: Publication | undefined): LarderError {
  if (current === undefined) {
    return new LarderError('PUBLICATION_NONE', {
      message: `The mirror ${mirror} has not been published yet.`,
      hint: 'Push a commit that declares it, or run `larder apply`.',
      context: { mirror },
    })
  }
  return new LarderError('PUBLICATION_NONE', {
    message: `No publication of another snapshot than ${mirror}@${current.snapshotNumber} is kept, so there is none to roll back to.`,
    hint: `\`larder mirror show ${mirror}\` lists the snapshots; promote one of them.`,
    context: { mirror },
  })
}

async function mirrorsWithSnapshots(state: State): Promise<string[]> {
  const rows = await state.db.selectFrom('snapshots').select('mirror').distinct().orderBy('mirror').execute()
  return rows.map((row) => row.mirror)
}
