import type { PrivateKey } from 'openpgp'
import { Mutex, type Clock } from '../core/index.ts'
import { readPassphrase } from './key-file.ts'
import { keyringFile, type HeldKey } from './keyring-file.ts'
import { checkSuitable, expiryOf, fingerprintOf, lockKey, makeKey, unlockKey, type KeyKind } from './openpgp-key.ts'
import { createSigningKey } from './openpgp-signing.ts'
import type { SigningKey } from './signing.ts'

export interface KeyringOptions {
  clock: Clock
  /** Stands in the user ID of new keys. */
  site: string
  /** Its first line encrypts the keys on the disk. Default: they are protected by mode 0600 alone. */
  passphraseFile?: string | undefined
}

/** The keys that mirrors are signed with, one file for each name (of a mirror). */
export interface Keyring {
  /**
   * The key of this name, made (of this kind; default `ed25519`) when there is none. During a rotation it signs with the
   * old key too. KEY_LOCKED, DISK_FULL.
   */
  key(name: string, options?: { kind?: KeyKind }): Promise<SigningKey>
  /** Uses a key that exists, as rotate does. `passphrase` opens what is given. KEY_LOCKED, KEY_UNSUITABLE. */
  importKey(
    name: string,
    armored: string,
    options?: { passphrase?: string; transitionMs?: number },
  ): Promise<SigningKey>
  /**
   * Makes a new key, by default an Ed25519 one. For `transitionMs` (default 30 days) the old one goes on signing beside it and both public
   * halves are handed out, so that clients have the time to fetch the new one. Publish afterwards.
   */
  rotate(name: string, options?: { transitionMs?: number; kind?: KeyKind }): Promise<SigningKey>
  /** Fingerprints of what signs now, newest first, with the end of those that are on their way out, or that expire. */
  list(name: string): Promise<ListedKey[]>
}

export interface ListedKey {
  fingerprint: string
  /** Until then it signs beside a newer one. */
  retiresAt: Date | undefined
  /** From then on clients refuse what it signs. Keys that Larder makes never do. */
  expiresAt: Date | undefined
}

const transitionDefaultMs = 30 * 86_400_000
/** A client whose clock is behind takes a key from its future for a forgery. */
const createdBeforeMs = 3_600_000

/** The keys below a folder, which is made with mode 0700. */
export function createKeyring(folder: string, options: KeyringOptions): Keyring {
  return new FileKeyring(folder, options)
}

class FileKeyring implements Keyring {
  readonly #folder: string
  readonly #options: KeyringOptions
  readonly #turn = new Mutex()
  /** By fingerprint: unlocking costs a tenth of a second. */
  readonly #unlocked = new Map<string, PrivateKey>()
  readonly #signing = new Map<string, { fingerprints: string; key: SigningKey }>()

  constructor(folder: string, options: KeyringOptions) {
    this.#folder = folder
    this.#options = options
  }

  key(name: string, { kind = 'ed25519' }: { kind?: KeyKind } = {}): Promise<SigningKey> {
    return this.#turn.run(async () => {
      const held = await this.#inUse(name)
      const inUse = held.length > 0 ? held : await this.#add(name, await this.#newKey(name, kind), [])
      return this.#signingKey(name, inUse)
    })
  }

  importKey(
    name: string,
    armored: string,
    options: { passphrase?: string; transitionMs?: number } = {},
  ): Promise<SigningKey> {
    return this.#turn.run(async () => {
      const key = await unlockKey(armored, options.passphrase)
      await checkSuitable(key, this.#options.clock.now())
      const others = (await this.#inUse(name)).filter((held) => held.fingerprint !== fingerprintOf(key))
      return this.#signingKey(name, await this.#add(name, key, this.#retiring(others, options.transitionMs)))
    })
  }

  rotate(name: string, options: { transitionMs?: number; kind?: KeyKind } = {}): Promise<SigningKey> {
    return this.#turn.run(async () => {
      const old = this.#retiring(await this.#inUse(name), options.transitionMs)
      const key = await this.#newKey(name, options.kind ?? 'ed25519')
      return this.#signingKey(name, await this.#add(name, key, old))
    })
  }

  async list(name: string): Promise<ListedKey[]> {
    const held = await this.#inUse(name)
    return Promise.all(
      held.map(async ({ fingerprint, retiresAt, privateKeyArmored }) => ({
        fingerprint,
        retiresAt: retiresAt === null ? undefined : new Date(retiresAt),
        expiresAt: await expiryOf(privateKeyArmored),
      })),
    )
  }

  async #inUse(name: string): Promise<HeldKey[]> {
    const now = this.#options.clock.now()
    const keys = await keyringFile(this.#folder, name).read()
    return keys.filter(({ retiresAt }) => retiresAt === null || new Date(retiresAt) > now)
  }

  /** One that was already on its way out keeps its day. */
  #retiring(keys: readonly HeldKey[], transitionMs: number = transitionDefaultMs): HeldKey[] {
    const retiresAt = new Date(this.#options.clock.now().getTime() + transitionMs).toISOString()
    return keys.map((held) => ({ ...held, retiresAt: held.retiresAt ?? retiresAt }))
  }

  #newKey(name: string, kind: KeyKind): Promise<PrivateKey> {
    const now = this.#options.clock.now().getTime()
    return makeKey(name, { site: this.#options.site, createdAt: new Date(now - createdBeforeMs), kind })
  }

  /** Writing drops the private halves of those that have retired. */
  async #add(name: string, key: PrivateKey, others: readonly HeldKey[]): Promise<HeldKey[]> {
    const fingerprint = fingerprintOf(key)
    const privateKeyArmored = await lockKey(key, await this.#passphrase())
    const keys = [{ fingerprint, privateKeyArmored, retiresAt: null }, ...others]
    await keyringFile(this.#folder, name).write(keys)
    this.#unlocked.set(fingerprint, key)
    return keys
  }

  async #signingKey(name: string, held: readonly HeldKey[]): Promise<SigningKey> {
    const fingerprints = held.map(({ fingerprint }) => fingerprint).join(' ')
    const known = this.#signing.get(name)
    if (known?.fingerprints === fingerprints) return known.key
    const [newest, ...others] = await Promise.all(held.map((one) => this.#unlock(one)))
    if (newest === undefined) throw new Error(`no key is in use for ${name}`)
    const key = createSigningKey([newest, ...others])
    this.#signing.set(name, { fingerprints, key })
    return key
  }

  async #unlock(held: HeldKey): Promise<PrivateKey> {
    const known = this.#unlocked.get(held.fingerprint)
    if (known !== undefined) return known
    const key = await unlockKey(held.privateKeyArmored, await this.#passphrase())
    this.#unlocked.set(held.fingerprint, key)
    return key
  }

  #passphrase(): Promise<string | undefined> {
    return readPassphrase(this.#options.passphraseFile)
  }
}
