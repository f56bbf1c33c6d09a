import type { LiteralDataPacket, PacketList, PublicKey, SignaturePacket, Subkey } from 'openpgp'
import type { ErrorCode, LarderError } from '../core/index.ts'
import { parseArmor } from './armor.ts'
import { parseCleartext } from './cleartext.ts'
import { distrusted } from './distrusted.ts'
import { faultOfKey, type KeyFault } from './key-fault.ts'
import { fingerprintOf, type Keyring } from './keyring.ts'
import { openpgp } from './library.ts'
import { faultOfRsa, isRsaOfBytes } from './rsa-signature.ts'

export interface Verified {
  /** Fingerprints, upper case, of the primary keys whose signatures are good; at least one. */
  signers: string[]
}

export interface VerifyOptions {
  now: Date
  /** What is judged, for messages. Default: `The Release file`. */
  what?: string
}

/**
 * Verifies a cleartext-signed file, such as an InRelease: one good signature of a trusted key is enough, as for apt. Good means: right, by a digest
 * better than SHA-1, not expired, and made by a key or signing subkey that is neither revoked nor expired now.
 *
 * @throws SIGNATURE_MISSING, SIGNATURE_BAD, SIGNATURE_UNTRUSTED, SIGNATURE_KEY_EXPIRED, SIGNATURE_KEY_REVOKED
 */
export async function verifyCleartext(
  bytes: Uint8Array,
  keyring: Keyring,
  options: VerifyOptions,
): Promise<Verified & { text: string }> {
  const { text, signatures } = parseCleartext(bytes)
  // A cleartext signature covers lines that end in CR LF, of whichever type it is.
  const signed = Buffer.from(text.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
  const signers = await findSigners(signed, signatures, keyring, options)
  return { text: text.toString('utf8'), signers }
}

/**
 * Verifies bytes by a detached signature, armoured or binary: as `verifyCleartext` does.
 *
 * @throws as `verifyCleartext`
 */
export async function verifyDetached(
  signed: Uint8Array,
  signature: Uint8Array,
  keyring: Keyring,
  options: VerifyOptions,
): Promise<Verified> {
  return { signers: await findSigners(signed, detachedPackets(signature, options), keyring, options) }
}

/** More signatures than any upstream has; each costs a public-key operation. */
const maxSignatures = 32

async function findSigners(
  signed: Uint8Array,
  signatures: Uint8Array,
  keyring: Keyring,
  options: VerifyOptions,
): Promise<string[]> {
  const verdicts: Verdict[] = []
  for (const signature of await readSignaturePackets(signatures, options)) {
    verdicts.push(await judge(signature, signed, keyring, options.now))
  }
  const signers = verdicts.flatMap((verdict) => (verdict.kind === 'good' ? [verdict.signer] : []))
  if (signers.length > 0) return [...new Set(signers)]
  throw worst(verdicts, options)
}

type Verdict = { kind: 'good'; signer: string } | Refusal
interface Refusal {
  kind: 'bad' | KeyFault['kind']
  reason: string
}

/** What is reported first when no signature is good. */
const codes = {
  bad: 'SIGNATURE_BAD',
  revoked: 'SIGNATURE_KEY_REVOKED',
  expired: 'SIGNATURE_KEY_EXPIRED',
  untrusted: 'SIGNATURE_UNTRUSTED',
} as const satisfies Record<Refusal['kind'], ErrorCode>

function worst(verdicts: readonly Verdict[], options: VerifyOptions): LarderError {
  const refusals = verdicts.filter((verdict) => verdict.kind !== 'good')
  const kinds = Object.keys(codes) as Refusal['kind'][]
  const kind = kinds.find((candidate) => refusals.some((refusal) => refusal.kind === candidate))
  if (kind === undefined) return distrusted('SIGNATURE_MISSING', ['there is no signature in it'], options)
  return distrusted(
    codes[kind],
    refusals.map((refusal) => refusal.reason),
    options,
  )
}

async function judge(signature: SignaturePacket, signed: Uint8Array, keyring: Keyring, now: Date): Promise<Verdict> {
  const keyId = signature.issuerKeyID.toHex().toUpperCase()
  const candidates = keyring.keys.flatMap((key) => key.getKeys(signature.issuerKeyID).map((part) => ({ key, part })))
  let verdict: Verdict = { kind: 'untrusted', reason: `${keyId} is not among the trusted keys` }
  for (const { key, part } of candidates) {
    verdict = isAllowed(keyring, key, part)
      ? await judgeBy({ key, part }, signature, signed, now)
      : { kind: 'untrusted', reason: `${fingerprintOf(key)} is not the key asked for` }
    if (verdict.kind === 'good') break
  }
  return verdict
}

async function judgeBy(
  { key, part }: { key: PublicKey; part: PublicKey | Subkey },
  signature: SignaturePacket,
  signed: Uint8Array,
  now: Date,
): Promise<Verdict> {
  const name = fingerprintOf(part)
  const fault = (await faultOfSignature(signature, part, signed)) ?? faultOfDates(signature, part, now)
  if (fault !== undefined) return { kind: 'bad', reason: `the signature by ${name} ${fault}` }
  return (await faultOfKey(key, part, now)) ?? { kind: 'good', signer: fingerprintOf(key) }
}

function isAllowed(keyring: Keyring, key: PublicKey, part: PublicKey | Subkey): boolean {
  const only = keyring.onlyFingerprints
  const name = fingerprintOf(part)
  return only === undefined || [fingerprintOf(key), name, `${name}!`].some((allowed) => only.includes(allowed))
}

/** What apt trusts: digests that nobody can forge. */
function isStrong(digest: number | null): boolean {
  const { sha224, sha256, sha384, sha512, sha3_256, sha3_512 } = openpgp().enums.hash
  return digest !== null && [sha224, sha256, sha384, sha512, sha3_256, sha3_512].includes(digest)
}

async function faultOfSignature(
  signature: SignaturePacket,
  part: PublicKey | Subkey,
  signed: Uint8Array,
): Promise<string | undefined> {
  const { createMessage, enums } = openpgp()
  const type = signature.signatureType
  if (type !== enums.signature.binary && type !== enums.signature.text) return 'is of another kind than of a document'
  if (!isStrong(signature.hashAlgorithm)) return 'uses a digest that can be forged'
  if (isRsaOfBytes(signature)) {
    const fault = faultOfRsa(signature, part.keyPacket, signed)
    return fault === undefined ? undefined : `is wrong: it ${fault}`
  }
  const literal = (await createMessage({ binary: signed })).packets[0] as LiteralDataPacket
  try {
    // Without a date: expiry is judged below, by the clock that was handed in.
    await signature.verify(part.keyPacket, type, literal, null as unknown as Date, true)
    return undefined
  } catch (error) {
    // openpgp throws plain Error for a signature that is wrong in any way
    return `is wrong: ${error instanceof Error ? error.message : 'unreadable'}`
  }
}

function faultOfDates(signature: SignaturePacket, part: PublicKey | Subkey, now: Date): string | undefined {
  const created = signature.created
  if (created === null) return 'has no date'
  if (created < part.getCreationTime()) return 'is older than the key'
  if (signature.getExpirationTime() <= now) return 'has expired'
  return undefined
}

function detachedPackets(signature: Uint8Array, options: VerifyOptions): Uint8Array {
  if ((signature[0] ?? 0) >= 0x80) return signature
  const blocks = parseArmor(Buffer.from(signature).toString('latin1'))
  const usable = blocks.flatMap((block) => (block?.label === 'SIGNATURE' ? [block.bytes] : []))
  if (usable.length === 0) throw distrusted('SIGNATURE_MISSING', ['its signature file holds none'], options)
  if (usable.length < blocks.length)
    throw distrusted('SIGNATURE_BAD', ['the armour of its signature is damaged'], options)
  return Buffer.concat(usable)
}

async function readSignaturePackets(bytes: Uint8Array, options: VerifyOptions): Promise<SignaturePacket[]> {
  const { readSignature, SignaturePacket } = openpgp()
  let packets: PacketList<SignaturePacket>
  try {
    packets = (await readSignature({ binarySignature: bytes })).packets
  } catch (cause) {
    // openpgp throws plain Error for packets that it cannot read
    throw distrusted('SIGNATURE_BAD', ['the signature cannot be read'], options, cause)
  }
  const signatures = packets.filter((packet) => packet instanceof SignaturePacket)
  if (signatures.length > maxSignatures)
    throw distrusted('SIGNATURE_BAD', [`more than ${maxSignatures} signatures`], options)
  return signatures
}
