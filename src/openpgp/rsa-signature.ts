import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import type { AnyKeyPacket, SignaturePacket } from 'openpgp'
import { openpgp } from './library.ts'

/**
 * What is wrong with an RSA signature of version 4 over bytes; undefined when nothing is. openpgp's own judgement is
 * the same, and imports the key anew for each signature: five times as long where a thousand packages have one key.
 * Source: RFC 9580 §5.2.4, RFC 8017 §8.2.
 */
export function faultOfRsa(signature: RsaSignature, key: AnyKeyPacket, signed: Uint8Array): string | undefined {
  if (!signature.issuerKeyID.equals(key.getKeyID())) return 'was not issued by that key'
  if (key.algorithm !== signature.publicKeyAlgorithm) return 'is of another algorithm than the key'
  const hashName = hashNames()[signature.hashAlgorithm ?? 0]
  if (hashName === undefined) return 'uses a digest that is not known'
  const all = Buffer.concat([signed, signature.signatureData, trailerOf(signature)])
  const digest = createHash(hashName).update(all).digest()
  const [first, second] = signature.signedHashValue
  if (first !== digest[0] || second !== digest[1]) return 'is of other bytes'
  const publicKey = keyObjectOf(key)
  if (publicKey === undefined) return 'is by a key that makes no sense'
  const modulusBytes = (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  if (!verify(hashName, all, publicKey, padded(signature.params.s, Math.ceil(modulusBytes)))) return 'does not match'
  return faultOfSubpackets(signature)
}

/** What reading a packet leaves, of which not all is in openpgp's types. */
export interface RsaSignature extends SignaturePacket {
  signatureData: Uint8Array
  signedHashValue: Uint8Array
  params: { s: Uint8Array }
}

/** Whether faultOfRsa can judge it: any other signature is left to openpgp. */
export function isRsaOfBytes(signature: SignaturePacket): signature is RsaSignature {
  const { enums } = openpgp()
  const { publicKeyAlgorithm, version, signatureType, signatureData, signedHashValue } = signature
  const isRsa = publicKeyAlgorithm === enums.publicKey.rsaEncryptSign || publicKeyAlgorithm === enums.publicKey.rsaSign
  const isRead = signatureData !== null && signedHashValue !== null
  const { params } = signature as Partial<RsaSignature>
  return isRsa && isRead && version === 4 && signatureType === enums.signature.binary && params?.s instanceof Uint8Array
}

/** As node:crypto calls what OpenPGP numbers. */
function hashNames(): Readonly<Record<number, string | undefined>> {
  const { hash } = openpgp().enums
  return {
    [hash.sha224]: 'sha224',
    [hash.sha256]: 'sha256',
    [hash.sha384]: 'sha384',
    [hash.sha512]: 'sha512',
    [hash.sha3_256]: 'sha3-256',
    [hash.sha3_512]: 'sha3-512',
  }
}

function trailerOf({ version, signatureData }: RsaSignature): Buffer {
  const trailer = Buffer.from([version, 0xff, 0, 0, 0, 0])
  trailer.writeUInt32BE(signatureData.length, 2)
  return trailer
}

const keyObjects = new WeakMap<AnyKeyPacket, KeyObject | undefined>()

function keyObjectOf(key: AnyKeyPacket): KeyObject | undefined {
  if (!keyObjects.has(key)) keyObjects.set(key, makeKeyObject(key))
  return keyObjects.get(key)
}

function makeKeyObject(key: AnyKeyPacket): KeyObject | undefined {
  const { n, e } = key.publicParams as { n: Uint8Array; e: Uint8Array }
  const text = (number: Uint8Array): string => Buffer.from(number).toString('base64url')
  try {
    return createPublicKey({ key: { kty: 'RSA', n: text(n), e: text(e) }, format: 'jwk' })
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** A multi-precision integer goes without its leading zeros; a signature is as long as the modulus. */
function padded(number: Uint8Array, sizeBytes: number): Uint8Array {
  if (number.length >= sizeBytes) return number
  return Buffer.concat([Buffer.alloc(sizeBytes - number.length), number])
}

/** What is critical and not understood makes a signature worthless. */
function faultOfSubpackets({ unknownSubpackets, rawNotations, revocationKeyClass }: RsaSignature): string | undefined {
  const unknown = unknownSubpackets.find(({ critical }) => critical)
  if (unknown !== undefined) return `has a critical subpacket of the unknown type ${unknown.type}`
  const notation = rawNotations.find(({ critical }) => critical)
  if (notation !== undefined) return 'has a critical notation that is not known'
  return revocationKeyClass === null ? undefined : 'names an authorized key of revocation'
}
