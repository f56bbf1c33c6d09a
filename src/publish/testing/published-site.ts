import type { LeaseId } from '../../store/index.ts'
import { openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import {
  createPublisher,
  writeTree,
  type Publication,
  type Publisher,
  type Sealer,
  type Snapshot,
  type TreeEntry,
} from '../index.ts'

/** Signs nothing, and says in `InRelease` what a client may check. */
export const sealer: Sealer = {
  async seal({ snapshot, tree, sealedAt, validUntil }) {
    const listed = [...tree.entries()].map((entry) => `${entry.path} ${entry.digest}`)
    const lines = [snapshot.number, sealedAt.toISOString(), validUntil?.toISOString() ?? 'for ever', ...listed]
    return { entries: [{ path: 'dists/InRelease', bytes: Buffer.from(lines.join('\n')), stable: false }] }
  },
}

/** A publisher over a store of its own, and what is done with it. */
export class PublishedSite implements AsyncDisposable {
  readonly room: MemoryStore
  publisher: Publisher
  lease: LeaseId

  static async open(): Promise<PublishedSite> {
    const room = await openMemoryStore()
    return new PublishedSite(room, await room.leases.acquire('test'))
  }

  private constructor(room: MemoryStore, lease: LeaseId) {
    this.room = room
    this.publisher = createPublisher(room)
    this.lease = lease
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.room[Symbol.asyncDispose]()
  }

  async entryOf(path: string, content: string): Promise<TreeEntry> {
    const digest = await this.room.store.write(this.lease, Buffer.from(content))
    return { path, sizeBytes: content.length, digest, stable: path.startsWith('pool/') }
  }

  /** A snapshot with a package of its own, and an index that changes. */
  async snapshotOf(name: string, mirror = 'base'): Promise<Snapshot> {
    const index = await this.entryOf('dists/Packages', `lists ${name}`)
    const entries = [await this.entryOf(`pool/${name}.deb`, name), index]
    const tree = await writeTree(this.room.store, this.lease, entries)
    return this.publisher.addSnapshot({ mirror, tree: tree.digest, origin: `run ${name}`, meta: { name } })
  }

  publish(number: number, validForMs?: number): Promise<Publication> {
    return this.publisher.promote({ mirror: 'base', number, sealer, validForMs })
  }

  async contentAt(path: string): Promise<string | undefined> {
    const found = await this.publisher.lookup('base', path)
    return found === undefined ? undefined : (await this.room.store.readWhole(found.entry.digest)).toString()
  }
}
