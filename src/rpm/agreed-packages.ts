import { digestOf, hexOf, type Digest } from '../core/index.ts'
import type { Cache } from '../state/index.ts'
import type { PackageStatement } from './repository/index.ts'
import type { Universe } from './universe.ts'

const space = 'rpm agreed'

/**
 * Packages of which metadata was found to say what their headers say: no header is read twice for the same statement,
 * and while a universe stays no statement is made twice.
 */
export class AgreedPackages {
  readonly #cache: Pick<Cache, 'keys' | 'putKeys'>
  readonly #rows = new WeakMap<Universe, Set<number>>()
  #known: Promise<Set<string>> | undefined

  constructor(cache: Pick<Cache, 'keys' | 'putKeys'>) {
    this.#cache = cache
  }

  /** Rows that need not be looked at again; add to them what was found good. */
  rowsOf(universe: Universe): Set<number> {
    const known = this.#rows.get(universe) ?? new Set()
    this.#rows.set(universe, known)
    return known
  }

  async known(): Promise<ReadonlySet<string>> {
    return await this.#read()
  }

  async add(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const known = await this.#read()
    await this.#cache.putKeys(space, keys)
    for (const key of keys) known.add(key)
  }

  #read(): Promise<Set<string>> {
    const reading = this.#known ?? this.#cache.keys(space, '').then((keys) => new Set(keys))
    this.#known = reading
    reading.catch(() => (this.#known = undefined))
    return reading
  }
}

/** Names a package together with what is said of it. */
export function agreementKey(digest: Digest, statement: PackageStatement): string {
  return hexOf(digestOf(JSON.stringify([digest, statement])))
}
