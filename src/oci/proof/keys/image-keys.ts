import { sign, type KeyObject } from 'node:crypto'
import { Mutex, type Clock } from '../../../core/index.ts'
import { KeyFile, readPassphrase } from '../../../publish/index.ts'
import { heldKey, type HeldKey } from './held-key.ts'
import { keyIdOf, makePrivateKey, publicPemOf, readPrivateKey, writePrivateKey } from './key-pair.ts'

/** What images are signed with: ECDSA on P-256 with SHA-256. */
export interface ImageKey {
  /** SHA-256 of the public half as SPKI in DER, in hex. */
  id: string
  /** SPKI in PEM. */
  publicKeyPem: string
  /** Until then it signs beside a newer one. */
  retiresAt: Date | undefined
  /** In DER, as X9.62 has it. */
  sign(bytes: Uint8Array): Buffer
}

export interface ImageKeys {
  /** Those that sign now, newest first. One is made when there is none. KEY_LOCKED, KEY_UNSUITABLE, DISK_FULL. */
  current(): Promise<readonly [ImageKey, ...ImageKey[]]>
  /** Public halves in PEM of all that ever signed here and were not given up: what they signed stays good. */
  trusted(): Promise<string[]>
  /**
   * Makes a new key, or takes the one that is given as PEM. The old one signs beside it for `transitionMs` (default 30
   * days), so that clients have the time to fetch the new one. 0: the old ones are given up at once, with all they signed.
   */
  rotate(options?: { transitionMs?: number; pem?: string; passphrase?: string }): Promise<ImageKey>
}

export interface ImageKeysOptions {
  clock: Clock
  /** Its first line encrypts keys on the disk. Default: they are protected by mode 0600 alone. */
  passphraseFile?: string | undefined
}

const transitionDefaultMs = 30 * 86_400_000

/** The keys in a file, which is made with mode 0600 when the first is needed. */
export function createImageKeys(path: string, options: ImageKeysOptions): ImageKeys {
  const file = new KeyFile(path, heldKey)
  const turn = new Mutex()
  /** By id: opening an encrypted one costs a while. */
  const opened = new Map<string, KeyObject>()

  const inUse = async (): Promise<HeldKey[]> => {
    const now = options.clock.now()
    return (await file.read()).filter(({ retiresAt }) => retiresAt === null || new Date(retiresAt) > now)
  }
  const add = async (key: KeyObject, others: readonly HeldKey[]): Promise<HeldKey> => {
    const publicKeyPem = publicPemOf(key)
    const id = keyIdOf(publicKeyPem)
    const privateKeyPem = writePrivateKey(key, await readPassphrase(options.passphraseFile))
    const held = { id, publicKeyPem, privateKeyPem, retiresAt: null }
    await file.write([held, ...others.filter((other) => other.id !== id)])
    opened.set(id, key)
    return held
  }
  const open = async (held: HeldKey): Promise<ImageKey> => {
    const { id, publicKeyPem, privateKeyPem, retiresAt } = held
    const key = opened.get(id) ?? readPrivateKey(privateKeyPem, await readPassphrase(options.passphraseFile))
    opened.set(id, key)
    return {
      id,
      publicKeyPem,
      retiresAt: retiresAt === null ? undefined : new Date(retiresAt),
      sign: (bytes) => sign('sha256', bytes, key),
    }
  }

  return {
    current: () =>
      turn.run(async () => {
        const [newest, ...others] = await inUse()
        const first = newest ?? (await add(makePrivateKey(), []))
        return [await open(first), ...(await Promise.all(others.map(open)))]
      }),
    trusted: () => turn.run(async () => (await file.read()).map(({ publicKeyPem }) => publicKeyPem)),
    rotate: ({ transitionMs = transitionDefaultMs, pem, passphrase } = {}) =>
      turn.run(async () => {
        const key = pem === undefined ? makePrivateKey() : readPrivateKey(pem, passphrase)
        const until = new Date(options.clock.now().getTime() + transitionMs).toISOString()
        // One that was already on its way out keeps its day.
        const old = (await file.read()).map((held) => ({ ...held, retiresAt: held.retiresAt ?? until }))
        return open(await add(key, transitionMs > 0 ? old : []))
      }),
  }
}
