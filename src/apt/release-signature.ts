import {
  createMessage,
  enums,
  readSignature,
  SignaturePacket,
  type LiteralDataPacket,
  type PacketList,
  type PublicKey,
  type Subkey,
} from 'openpgp'
import { LarderError, type ErrorDetails, type ErrorCode } from '../core/index.ts'
import { parseArmor } from './armor.ts'
import { parseCleartext } from './cleartext.ts'
import { fingerprintOf, type Keyring } from './keyring.ts'

export interface VerifiedRelease {
  /** What was signed, and nothing else. */
  text: string
  /** Fingerprints, upper case, of the primary keys whose signatures are good; at least one. */
  signers: string[]
}

/**
 * Verifies an InRelease: one good signature of a trusted key is enough, as for apt. Good means: right, by a digest
 * better than SHA-1, not expired, and made by a key or signing subkey that is neither revoked nor expired now.
 *
 * @throws APT_RELEASE_UNSIGNED, APT_SIGNATURE_BAD, APT_SIGNATURE_UNTRUSTED, APT_KEY_EXPIRED, APT_KEY_REVOKED
 */
export async function verifyInRelease(
  bytes: Uint8Array,
  keyring: Keyring,
  { now }: { now: Date },
): Promise<VerifiedRelease> {
  const { text, signatures } = parseCleartext(bytes)
  // A cleartext signature covers lines that end in CR LF, of whichever type it is.
  const signed = Buffer.from(text.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
  const signers = await findSigners(signed, signatures, keyring, now)
  return { text: text.toString('utf8'), signers }
}

/**
 * Verifies a Release by its Release.gpg, armoured or binary: as `verifyInRelease` does.
 *
 * @throws as `verifyInRelease`
 */
export async function verifyRelease(
  release: Uint8Array,
  signature: Uint8Array,
  keyring: Keyring,
  { now }: { now: Date },
): Promise<VerifiedRelease> {
  const signers = await findSigners(release, detachedPackets(signature), keyring, now)
  return { text: Buffer.from(release).toString('utf8'), signers }
}

/** More signatures than any upstream has; each costs a public-key operation. */
const maxSignatures = 32

async function findSigners(signed: Uint8Array, signatures: Uint8Array, keyring: Keyring, now: Date): Promise<string[]> {
  const literal = (await createMessage({ binary: signed })).packets[0] as LiteralDataPacket
  const verdicts: Verdict[] = []
  for (const signature of await readSignaturePackets(signatures)) {
    verdicts.push(await judge(signature, literal, keyring, now))
  }
  const signers = verdicts.flatMap((verdict) => (verdict.kind === 'good' ? [verdict.signer] : []))
  if (signers.length > 0) return [...new Set(signers)]
  throw worst(verdicts)
}

type Verdict = { kind: 'good'; signer: string } | Refusal
interface Refusal {
  kind: 'bad' | 'revoked' | 'expired' | 'untrusted'
  reason: string
}

/** What is reported first when no signature is good. */
const codes = {
  bad: 'APT_SIGNATURE_BAD',
  revoked: 'APT_KEY_REVOKED',
  expired: 'APT_KEY_EXPIRED',
  untrusted: 'APT_SIGNATURE_UNTRUSTED',
} as const satisfies Record<Refusal['kind'], ErrorCode>

function worst(verdicts: readonly Verdict[]): LarderError {
  const refusals = verdicts.filter((verdict) => verdict.kind !== 'good')
  const kinds = Object.keys(codes) as Refusal['kind'][]
  const kind = kinds.find((candidate) => refusals.some((refusal) => refusal.kind === candidate))
  if (kind === undefined) return failure('APT_RELEASE_UNSIGNED', ['there is no signature in it'])
  return failure(
    codes[kind],
    refusals.map((refusal) => refusal.reason),
  )
}

async function judge(
  signature: SignaturePacket,
  literal: LiteralDataPacket,
  keyring: Keyring,
  now: Date,
): Promise<Verdict> {
  const keyId = signature.issuerKeyID.toHex().toUpperCase()
  const candidates = keyring.keys.flatMap((key) => key.getKeys(signature.issuerKeyID).map((part) => ({ key, part })))
  let verdict: Verdict = { kind: 'untrusted', reason: `${keyId} is not among the trusted keys` }
  for (const { key, part } of candidates) {
    verdict = isAllowed(keyring, key, part)
      ? await judgeBy({ key, part }, signature, literal, now)
      : { kind: 'untrusted', reason: `${fingerprintOf(key)} is not the key asked for` }
    if (verdict.kind === 'good') break
  }
  return verdict
}

async function judgeBy(
  { key, part }: { key: PublicKey; part: PublicKey | Subkey },
  signature: SignaturePacket,
  literal: LiteralDataPacket,
  now: Date,
): Promise<Verdict> {
  const name = fingerprintOf(part)
  const fault = (await faultOfSignature(signature, part, literal)) ?? faultOfDates(signature, part, now)
  if (fault !== undefined) return { kind: 'bad', reason: `the signature by ${name} ${fault}` }
  return (await faultOfKey(key, part, now)) ?? { kind: 'good', signer: fingerprintOf(key) }
}

function isAllowed(keyring: Keyring, key: PublicKey, part: PublicKey | Subkey): boolean {
  const only = keyring.onlyFingerprints
  const name = fingerprintOf(part)
  return only === undefined || [fingerprintOf(key), name, `${name}!`].some((allowed) => only.includes(allowed))
}

/** What apt trusts: digests that nobody can forge. */
const strongDigests: ReadonlySet<number> = new Set([
  enums.hash.sha224,
  enums.hash.sha256,
  enums.hash.sha384,
  enums.hash.sha512,
  enums.hash.sha3_256,
  enums.hash.sha3_512,
])

async function faultOfSignature(
  signature: SignaturePacket,
  part: PublicKey | Subkey,
  literal: LiteralDataPacket,
): Promise<string | undefined> {
  const type = signature.signatureType
  if (type !== enums.signature.binary && type !== enums.signature.text) return 'is of another kind than of a document'
  if (signature.hashAlgorithm === null || !strongDigests.has(signature.hashAlgorithm)) {
    return 'uses a digest that can be forged'
  }
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

async function faultOfKey(key: PublicKey, part: PublicKey | Subkey, now: Date): Promise<Refusal | undefined> {
  const name = fingerprintOf(part)
  if (await isRevoked(key, part, now)) return { kind: 'revoked', reason: `the key ${name} was revoked` }
  const expiresAt = await expiryOf(key, part, now)
  if (expiresAt !== undefined && expiresAt <= now) {
    return { kind: 'expired', reason: `the key ${name} expired at ${expiresAt.toISOString()}` }
  }
  try {
    await key.getSigningKey(part.getKeyID(), now)
    return undefined
  } catch (error) {
    // openpgp throws plain Error: no valid self-signature or binding, a weak algorithm, not a signing key
    return {
      kind: 'untrusted',
      reason: `the key ${name} cannot be used: ${error instanceof Error ? error.message : ''}`,
    }
  }
}

async function isRevoked(key: PublicKey, part: PublicKey | Subkey, now: Date): Promise<boolean> {
  const parts = part === key ? [key] : [key, part]
  for (const each of parts) {
    // Any revocation counts, by whichever signature: so no signature is named, which the types do not foresee.
    const subject = each as { isRevoked(signature: undefined, key: undefined, date: Date): Promise<boolean> }
    if (await subject.isRevoked(undefined, undefined, now)) return true
  }
  return false
}

/** The earlier of both ends; undefined for a key that does not end or has no valid signature of its own. */
async function expiryOf(key: PublicKey, part: PublicKey | Subkey, now: Date): Promise<Date | undefined> {
  const ends = [await key.getExpirationTime()]
  if (part !== key) ends.push(await part.getExpirationTime(now))
  return ends.filter((end) => end instanceof Date).sort((a, b) => a.getTime() - b.getTime())[0]
}

function detachedPackets(signature: Uint8Array): Uint8Array {
  if ((signature[0] ?? 0) >= 0x80) return signature
  const blocks = parseArmor(Buffer.from(signature).toString('latin1'))
  const usable = blocks.flatMap((block) => (block?.label === 'SIGNATURE' ? [block.bytes] : []))
  if (usable.length === 0) throw failure('APT_RELEASE_UNSIGNED', ['Release.gpg holds no signature'])
  if (usable.length < blocks.length) throw failure('APT_SIGNATURE_BAD', ['the armour of Release.gpg is damaged'])
  return Buffer.concat(usable)
}

async function readSignaturePackets(bytes: Uint8Array): Promise<SignaturePacket[]> {
  let packets: PacketList<SignaturePacket>
  try {
    packets = (await readSignature({ binarySignature: bytes })).packets
  } catch (cause) {
    // openpgp throws plain Error for packets that it cannot read
    throw failure('APT_SIGNATURE_BAD', ['the signature cannot be read'], cause)
  }
  const signatures = packets.filter((packet) => packet instanceof SignaturePacket)
  if (signatures.length > maxSignatures) throw failure('APT_SIGNATURE_BAD', [`more than ${maxSignatures} signatures`])
  return signatures
}

const hints: Partial<Record<ErrorCode, string>> = {
  APT_SIGNATURE_UNTRUSTED:
    'Add the key of the upstream to its keys, after checking its fingerprint with the publisher.',
  APT_KEY_EXPIRED: 'Get the renewed key from the publisher; on Debian, update the package of archive keys.',
  APT_KEY_REVOKED: 'The publisher withdrew this key. Get the key that replaces it, and ask why.',
  APT_SIGNATURE_BAD: 'The file was damaged or changed on its way, or a proxy answered with something else.',
}

function failure(code: ErrorCode, reasons: readonly string[], cause?: unknown): LarderError {
  const hint = hints[code]
  const details: ErrorDetails = {
    message: `The Release file cannot be trusted: ${reasons.join('; ')}.`,
    context: { reasons },
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  }
  return new LarderError(code, details)
}
