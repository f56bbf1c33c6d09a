import { isDigest, type Digest } from '../../core/index.ts'
import type { Cache } from '../../state/index.ts'

const space = 'rpm digests'

/** SHA-256 of packages that their upstream promises by something else, as it was found when they were fetched. */
export class LearnedDigests {
  readonly #cache: Cache
  readonly #known = new Map<string, Digest>()
  readonly #read = new Set<string>()

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** What is known of all that is promised by a type of checksum comes into memory. */
  async prepare(type: string): Promise<void> {
    if (type === 'sha256' || this.#read.has(type)) return
    for (const key of await this.#cache.keys(space, `${type}:`)) {
      const [promised = '', digest = ''] = key.split(' ')
      if (isDigest(digest)) this.#known.set(promised, digest)
    }
    this.#read.add(type)
  }

  /** By `sha1:…`. */
  get(promised: string): Digest | undefined {
    if (promised.startsWith('sha256:')) return promised as Digest
    return this.#known.get(promised)
  }

  /** In pairs. */
  async add(learned: readonly (readonly [string, Digest])[]): Promise<void> {
    const fresh = learned.filter(([promised]) => !promised.startsWith('sha256:') && !this.#known.has(promised))
    if (fresh.length === 0) return
    await this.#cache.putKeys(
      space,
      fresh.map((pair) => pair.join(' ')),
    )
    for (const [promised, digest] of fresh) this.#known.set(promised, digest)
  }
}
