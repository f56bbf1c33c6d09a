import { isLarderError, Mutex, type Digest } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { BlobStore } from '../store/index.ts'
import type { Publication } from './publication.ts'
import { currentPublication, listPublications } from './publications.ts'
import { PublishedMirror } from './published-mirror.ts'
import { readTree } from './read-tree.ts'
import type { Tree } from './tree.ts'

/** Publications as clients are served from: read from the database once, then changed only after a commit. */
export class PublicationMemory {
  readonly #state: State
  readonly #store: BlobStore
  readonly #mirrors = new Map<string, PublishedMirror>()
  /** Changes of what is in memory: first come, first served. */
  readonly #turn = new Mutex()

  constructor(state: State, store: BlobStore) {
    this.#state = state
    this.#store = store
  }

  /** Without a wait when the mirror is in memory; undefined when it is not published. */
  get(mirror: string): PublishedMirror | undefined | Promise<PublishedMirror | undefined> {
    return this.#mirrors.get(mirror) ?? this.#turn.run(() => this.#load(mirror))
  }

  /** Runs a change of the database that answers with what is now current; memory follows when it has committed. */
  async change(tree: Tree, commit: () => Promise<{ publication: Publication; isNew: boolean }>): Promise<Publication> {
    return this.#turn.run(async () => {
      const { publication, isNew } = await commit()
      const known = this.#mirrors.get(publication.mirror)
      if (isNew && known !== undefined) {
        this.#mirrors.set(publication.mirror, new PublishedMirror([{ publication, tree }, ...known.generations]))
      }
      return publication
    })
  }

  /** Runs a change of the database after which the mirror is not published. */
  async forget(mirror: string, commit: () => Promise<void>): Promise<void> {
    await this.#turn.run(async () => {
      await commit()
      this.#mirrors.delete(mirror)
    })
  }

  /** Drops generations from memory that are no longer in the database. */
  async keepOnly(mirror: string, remove: () => Promise<readonly number[]>): Promise<void> {
    await this.#turn.run(async () => {
      const removed = new Set(await remove())
      const known = this.#mirrors.get(mirror)
      if (known === undefined || removed.size === 0) return
      const kept = known.generations.filter(({ publication }) => !removed.has(publication.generation))
      this.#mirrors.set(mirror, new PublishedMirror(kept))
    })
  }

  async #load(mirror: string): Promise<PublishedMirror | undefined> {
    const known = this.#mirrors.get(mirror)
    if (known !== undefined) return known
    if ((await currentPublication(this.#state.db, mirror)) === undefined) return undefined
    const publications = await listPublications(this.#state.db, mirror)
    const generations = []
    for (const publication of publications) {
      const tree = await readUnlessOlder(this.#store, publication.tree, generations.length > 0)
      if (tree !== undefined) generations.push({ publication, tree })
    }
    const published = new PublishedMirror(generations)
    this.#mirrors.set(mirror, published)
    return published
  }
}

/** A damaged tree of an older generation must not keep clients from the current one. BLOB_MISSING, BLOB_DAMAGED. */
async function readUnlessOlder(store: BlobStore, digest: Digest, isOlder: boolean): Promise<Tree | undefined> {
  try {
    return await readTree(store, digest)
  } catch (error) {
    if (isOlder && isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) return undefined
    throw error
  }
}
