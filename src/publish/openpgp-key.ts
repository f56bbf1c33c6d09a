import type { PrivateKey } from 'openpgp'
import { LarderError } from '../core/index.ts'
import { openpgp } from '../openpgp/index.ts'

/** RSA is for clients whose GnuPG or rpm is of before 2014. */
export type KeyKind = 'ed25519' | 'rsa'

const settings = {
  ed25519: { type: 'ecc', curve: 'ed25519Legacy' },
  rsa: { type: 'rsa', rsaBits: 3072 },
} as const

/**
 * A new key that signs and does nothing else. Of the two kinds that gpgv 2.2 (Debian 12) accepts, Ed25519 is the
 * quicker and smaller. It does not expire, since a client that was off for a year must still follow.
 */
export async function makeKey(
  name: string,
  { site, createdAt, kind }: { site: string; createdAt: Date; kind: KeyKind },
): Promise<PrivateKey> {
  const { privateKey } = await openpgp().generateKey({
    ...settings[kind],
    userIDs: [{ name: `Larder ${name}`, email: `larder@${site}.invalid` }],
    date: createdAt,
    subkeys: [],
    format: 'object',
  })
  return privateKey
}

/** An armored private key, unlocked. KEY_LOCKED, KEY_UNSUITABLE. */
export async function unlockKey(armored: string, passphrase: string | undefined): Promise<PrivateKey> {
  const key = await parsePrivateKey(armored)
  if (key.isDecrypted()) return key
  if (passphrase === undefined) throw locked('it is encrypted and no passphrase is given')
  try {
    return await openpgp().decryptKey({ privateKey: key, passphrase })
  } catch (error) {
    throw locked('the passphrase does not open it', error)
  }
}

/** When an armored private key, locked or not, stops being valid; undefined: never. KEY_UNSUITABLE. */
export async function expiryOf(armored: string): Promise<Date | undefined> {
  const expiry = await (await parsePrivateKey(armored)).getExpirationTime()
  return expiry instanceof Date ? expiry : undefined
}

export async function lockKey(key: PrivateKey, passphrase: string | undefined): Promise<string> {
  return passphrase === undefined ? key.armor() : (await openpgp().encryptKey({ privateKey: key, passphrase })).armor()
}

/** Throws unless gpgv 2.2 and apt will accept what the key signs from now on, for as long as it is in use. KEY_UNSUITABLE. */
export async function checkSuitable(key: PrivateKey, now: Date): Promise<void> {
  if (key.keyPacket.version !== 4)
    throw unsuitable(`it is a version ${key.keyPacket.version} key; gpgv 2.2 reads version 4`)
  const expiry = await key.getExpirationTime()
  if (expiry instanceof Date && expiry <= now) throw unsuitable(`it expired at ${expiry.toISOString()}`)
  const signing = await signingKeyOf(key, now)
  const { algorithm, bits } = signing.getAlgorithmInfo()
  if (!acceptedAlgorithms.includes(algorithm))
    throw unsuitable(`gpgv 2.2 and apt do not accept ${algorithm} signatures`)
  if (bits !== undefined && algorithm.startsWith('rsa') && bits < leastRsaBits) {
    throw unsuitable(`it has ${bits} bits; apt asks for ${leastRsaBits}`)
  }
}

const acceptedAlgorithms: readonly string[] = ['rsaEncryptSign', 'rsaSign', 'ecdsa', 'eddsaLegacy']
/** apt.conf(5), APT::Key::Assert-Pubkey-Algo: >=rsa2048 */
const leastRsaBits = 2048

async function signingKeyOf(key: PrivateKey, now: Date): ReturnType<PrivateKey['getSigningKey']> {
  try {
    return await key.getSigningKey(undefined, now)
  } catch (error) {
    throw unsuitable(error instanceof Error ? error.message : 'it cannot sign', error)
  }
}

async function parsePrivateKey(armored: string): Promise<PrivateKey> {
  try {
    return await openpgp().readPrivateKey({ armoredKey: armored })
  } catch (error) {
    const isPublic = armored.includes('BEGIN PGP PUBLIC KEY BLOCK')
    throw unsuitable(
      isPublic ? 'it is the public half; the private one is needed' : 'it is no armored OpenPGP private key',
      error,
    )
  }
}

/** 40 upper-case hex digits. */
export function fingerprintOf(key: PrivateKey): string {
  return key.getFingerprint().toUpperCase()
}

function locked(why: string, cause?: unknown): LarderError {
  return new LarderError('KEY_LOCKED', {
    message: `The signing key cannot be used: ${why}.`,
    hint: 'Give the file that holds the passphrase.',
    cause,
  })
}

function unsuitable(why: string, cause?: unknown): LarderError {
  return new LarderError('KEY_UNSUITABLE', {
    message: `The key cannot sign a mirror: ${why}.`,
    hint: 'An RSA key of 2048 bits or more, or an Ed25519 key as GnuPG 2.2 makes it, will do.',
    cause,
  })
}
