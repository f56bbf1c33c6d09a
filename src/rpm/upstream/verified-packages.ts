import { digestOf, type Digest } from '../../core/index.ts'
import { fingerprintOf, type Keyring } from '../../openpgp/index.ts'
import type { Cache } from '../../state/index.ts'

const space = 'rpm verified'

/** Packages that one of the keys of a keyring was found to have signed: nobody looks at the same bytes twice. */
export class VerifiedPackages {
  readonly #cache: Cache
  readonly #known = new Map<string, Promise<Set<Digest>>>()
  readonly #identities = new WeakMap<Keyring, string>()

  constructor(cache: Cache) {
    this.#cache = cache
  }

  by(keyring: Keyring): Promise<ReadonlySet<Digest>> {
    return this.#by(this.#identityOf(keyring))
  }

  async add(keyring: Keyring, digests: readonly Digest[]): Promise<void> {
    if (digests.length === 0) return
    const identity = this.#identityOf(keyring)
    const known = await this.#by(identity)
    await this.#cache.putKeys(
      space,
      digests.map((digest) => `${identity} ${digest}`),
    )
    for (const digest of digests) known.add(digest)
  }

  /** Asked for each package. */
  #identityOf(keyring: Keyring): string {
    const known = this.#identities.get(keyring) ?? identityOf(keyring)
    this.#identities.set(keyring, known)
    return known
  }

  #by(identity: string): Promise<Set<Digest>> {
    const known = this.#known.get(identity) ?? this.#read(identity)
    this.#known.set(identity, known)
    known.catch(() => this.#known.delete(identity))
    return known
  }

  async #read(identity: string): Promise<Set<Digest>> {
    const keys = await this.#cache.keys(space, `${identity} `)
    return new Set(keys.map((key) => key.slice(identity.length + 1) as Digest))
  }
}

/** Another key, or fewer, and everything is looked at again. */
function identityOf(keyring: Keyring): string {
  const names = keyring.keys.map(fingerprintOf).sort()
  return digestOf(JSON.stringify(names))
}
