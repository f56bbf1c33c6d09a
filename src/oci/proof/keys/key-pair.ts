import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { LarderError } from '../../../core/index.ts'

/** ECDSA on P-256 with SHA-256: what cosign makes, and every verifier of images takes. */
export function makePrivateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: curve }).privateKey
}

/** PEM in PKCS #8 or SEC 1. KEY_LOCKED, KEY_UNSUITABLE. */
export function readPrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  const isEncrypted = /ENCRYPTED/.test(pem)
  if (isEncrypted && passphrase === undefined) throw locked('it is encrypted, and no passphrase is given')
  let key: KeyObject
  try {
    key = createPrivateKey({ key: pem, ...(isEncrypted ? { passphrase } : {}) })
  } catch (error) {
    if (isEncrypted && /BEGIN ENCRYPTED PRIVATE KEY/.test(pem)) throw locked('the passphrase does not open it', error)
    throw unsuitable('it is no private key in PEM (PKCS #8 or SEC 1)', error)
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== curve)
    throw unsuitable(`it is of the kind ${key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown'}`)
  return key
}

/** PKCS #8; without a passphrase, as it is. */
export function writePrivateKey(key: KeyObject, passphrase: string | undefined): string {
  const common = { type: 'pkcs8', format: 'pem' } as const
  return key.export(passphrase === undefined ? common : { ...common, cipher: 'aes-256-cbc', passphrase }).toString()
}

/** PEM of the public half (SPKI), which is what clients are given. */
export function publicPemOf(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
}

/** SHA-256 of the public half as SPKI in DER, in hex: what names a key in an envelope. KEY_UNSUITABLE. */
export function keyIdOf(publicKeyPem: string): string {
  return createHash('sha256')
    .update(readPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

/** KEY_UNSUITABLE. */
export function readPublicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem)
  } catch (error) {
    throw unsuitable('it is no public key in PEM', error)
  }
}

/** By the name that OpenSSL gives it. */
const curve = 'prime256v1'

function locked(why: string, cause?: unknown): LarderError {
  return new LarderError('KEY_LOCKED', {
    message: `The key for images cannot be used: ${why}.`,
    hint: 'Give the file that holds the passphrase.',
    cause,
  })
}

function unsuitable(why: string, cause?: unknown): LarderError {
  return new LarderError('KEY_UNSUITABLE', {
    message: `The key cannot sign images: ${why}.`,
    hint: 'An EC key on P-256 will do: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256.',
    cause,
  })
}
