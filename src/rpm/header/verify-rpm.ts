import { createHash, getFips, type Hash } from 'node:crypto'
import { LarderError } from '../../core/index.ts'
import { verifyDetached, type Keyring } from '../../openpgp/index.ts'
import { checkStructure } from './check-structure.ts'
import { HeaderFault } from './header.ts'
import { readRpm, type RpmFile } from './read-rpm.ts'
import { malformed, readRange, type RpmSource } from './rpm-source.ts'
import { SignatureTag, Tag } from './tag.ts'

export interface VerifiedRpm {
  file: RpmFile
  /** Fingerprints, upper case, of the primary keys whose signatures are good. */
  signers: string[]
}

/**
 * Verifies that a trusted key signed a package: its header, whose digest of the payload then proves the payload; or,
 * of packages from before such digests, header and payload together. Which bytes were fetched must have been
 * checked before; a payload that does not fit its header is refused here too. Source: rpmkeys(8), "RPM Package
 * Format".
 *
 * @throws RPM_MALFORMED; SIGNATURE_MISSING, SIGNATURE_BAD, SIGNATURE_UNTRUSTED, SIGNATURE_KEY_EXPIRED,
 *   SIGNATURE_KEY_REVOKED
 */
export async function verifyRpm(source: RpmSource, keyring: Keyring, { now }: { now: Date }): Promise<VerifiedRpm> {
  const file = await readRpm(source)
  try {
    checkStructure(file.signature, 62)
    checkStructure(file.header, 63)
    checkHeaderDigests(file)
    const { signers, isWhole } = await verifySignatures(source, file, { keyring, now })
    await checkPayload(source, file, { isSigned: isWhole })
    return { file, signers }
  } catch (error) {
    throw error instanceof HeaderFault ? malformed(source.label, error.message) : error
  }
}

/** rpm refuses a package whose own digest of its header is wrong, however good its signature. */
function checkHeaderDigests({ signature, header, label }: RpmFile): void {
  const digests = [
    ['sha256', signature.text(SignatureTag.sha256Header)],
    ['sha1', signature.text(SignatureTag.sha1Header)],
  ] as const
  for (const [name, promised] of digests)
    if (promised !== undefined && createHash(name).update(header.bytes).digest('hex') !== promised.toLowerCase())
      throw malformed(label, `the ${name} digest of its header is wrong`)
}

async function verifySignatures(
  source: RpmSource,
  file: RpmFile,
  { keyring, now }: { keyring: Keyring; now: Date },
): Promise<{ signers: string[]; isWhole: boolean }> {
  const { signature, header, label } = file
  const options = { now, what: label }
  const ofHeader = signature.binary(SignatureTag.rsa) ?? signature.binary(SignatureTag.dsa)
  if (ofHeader !== undefined && header.has(Tag.payloadDigest))
    return { ...(await verifyDetached(header.bytes, ofHeader, keyring, options)), isWhole: false }
  const ofAll = signature.binary(SignatureTag.pgp) ?? signature.binary(SignatureTag.gpg)
  if (ofAll === undefined) throw unsigned(label, ofHeader !== undefined)
  if (file.sizeBytes > maxWholeBytes) throw tooLarge(label)
  const all = await readRange(source, { start: file.headerStart, end: file.sizeBytes })
  return { ...(await verifyDetached(all, ofAll, keyring, options)), isWhole: true }
}

/** Such packages are looked at in memory; those of the time were small. */
const maxWholeBytes = 512 * 1024 * 1024

/** Names of digests as OpenPGP numbers them; those that prove something. */
const digestNames = new Map([
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
])

/** Proves the payload by the header, unless it is signed itself; and the digest of old, which rpm looks at too. */
async function checkPayload(source: RpmSource, file: RpmFile, { isSigned }: { isSigned: boolean }): Promise<void> {
  const checks = [payloadDigest(file, isSigned), digestOfAll(file)].filter((check) => check !== undefined)
  for await (const chunk of await source.read({ start: file.headerEnd, end: source.sizeBytes }))
    for (const { hash } of checks) hash.update(chunk)
  for (const { hash, promised, what } of checks)
    if (hash.digest('hex') !== promised) throw malformed(file.label, `${what} is not the one that is promised in it`)
}

interface DigestCheck {
  hash: Hash
  promised: string
  what: string
}

function payloadDigest({ header, label }: RpmFile, isSigned: boolean): DigestCheck | undefined {
  const algorithm = header.integer(Tag.payloadDigestAlgorithm) ?? 0
  const name = digestNames.get(algorithm)
  const promised = header.text(Tag.payloadDigest)
  if (name !== undefined && promised !== undefined)
    return { hash: createHash(name), promised: promised.toLowerCase(), what: `the ${name} digest of its payload` }
  if (isSigned) return undefined
  throw malformed(label, `its payload is promised by digest number ${algorithm}, which proves nothing`)
}

/** Not to be had where the host forbids such digests; rpm does without it there, too. */
function digestOfAll({ header, signature }: RpmFile): DigestCheck | undefined {
  const promised = signature.binary(SignatureTag.md5)?.toString('hex')
  if (promised === undefined || getFips() === 1) return undefined
  return { hash: createHash('md5').update(header.bytes), promised, what: 'the md5 digest of header and payload' }
}

function unsigned(label: string, hasHeaderSignature: boolean): LarderError {
  const why = hasHeaderSignature
    ? 'its signature is of the header alone, which promises no payload'
    : 'there is no signature in it'
  return new LarderError('SIGNATURE_MISSING', {
    message: `${label} is not signed: ${why}.`,
    hint: 'Ask the publisher to sign it. `gpgcheck: false` on the upstream takes unsigned packages, if its metadata is signed.',
    context: { label },
  })
}

function tooLarge(label: string): LarderError {
  return malformed(label, `its signature is of the old form, and it is larger than ${maxWholeBytes / 1024 ** 2} MiB`)
}
