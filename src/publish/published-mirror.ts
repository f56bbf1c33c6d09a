import type { Publication } from './publication.ts'
import type { Tree, TreeEntry } from './tree.ts'

/** What a client gets at a path. */
export interface PublishedEntry {
  entry: TreeEntry
  /** When clients began to see these bytes at this path, as far back as generations are kept; whole seconds. */
  modifiedAt: Date
}

export interface Generation {
  publication: Publication
  tree: Tree
}

/** The kept generations of one mirror in memory, newest first; immutable, so that a reader never sees half of a switch. */
export class PublishedMirror {
  readonly generations: readonly Generation[]
  readonly #answers = new Map<string, PublishedEntry>()

  constructor(generations: readonly Generation[]) {
    this.generations = generations
  }

  /**
   * The current tree's entry. A path that is only in older generations is found when it is stable: a client may
   * have read an index minutes ago and come for what it names now.
   */
  lookup(path: string): PublishedEntry | undefined {
    const known = this.#answers.get(path)
    if (known !== undefined) return known
    const answer = this.#find(path)
    if (answer !== undefined) this.#remember(path, answer)
    return answer
  }

  #find(path: string): PublishedEntry | undefined {
    for (const [index, { tree }] of this.generations.entries()) {
      const entry = tree.get(path)
      if (entry !== undefined && (index === 0 || entry.stable))
        return { entry, modifiedAt: this.#since(path, entry, index) }
    }
    return undefined
  }

  /** Back from a generation to the first of those, one after the other, that have the same bytes at the path. */
  #since(path: string, entry: TreeEntry, index: number): Date {
    let first = index
    while (this.generations[first + 1]?.tree.get(path)?.digest === entry.digest) first++
    return this.generations[first]!.publication.sealedAt
  }

  #remember(path: string, answer: PublishedEntry): void {
    if (this.#answers.size >= keptAnswers) this.#answers.clear()
    this.#answers.set(path, answer)
  }
}

/** Only paths that exist are kept, so clients cannot fill memory with paths of their own making. */
const keptAnswers = 4096
