import { LarderError } from '../../core/index.ts'
import { verifyDetached, type Keyring } from '../../openpgp/index.ts'
import { checkHeaders, checkPayload } from './check-digests.ts'
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
    checkHeaders(file)
    const { signers, isWhole } = await verifySignatures(source, file, { keyring, now })
    await checkPayload(source, file, { mayLackDigest: isWhole })
    return { file, signers }
  } catch (error) {
    throw error instanceof HeaderFault ? malformed(source.label, error.message) : error
  }
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
export const maxWholeBytes = 512 * 1024 * 1024

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
