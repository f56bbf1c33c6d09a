import { checkHeaders, checkPayload } from './check-digests.ts'
import { HeaderFault } from './header.ts'
import { readRpm, type RpmFile } from './read-rpm.ts'
import { malformed, type RpmSource } from './rpm-source.ts'
import { SignatureTag } from './tag.ts'

/**
 * Reads a package that nobody's signature is asked of, and holds it to what it says of itself: the structure of its
 * headers and all of its own digests. RPM_MALFORMED.
 */
export async function checkRpm(source: RpmSource): Promise<RpmFile> {
  const file = await readRpm(source)
  try {
    checkHeaders(file)
    await checkPayload(source, file, { mayLackDigest: true })
    return file
  } catch (error) {
    throw error instanceof HeaderFault ? malformed(source.label, error.message) : error
  }
}

/** Whether there is an OpenPGP signature in it, whoever's it is. */
export function isSigned({ signature }: RpmFile): boolean {
  return signatureTags.some((tag) => signature.has(tag))
}

const signatureTags = [SignatureTag.rsa, SignatureTag.dsa, SignatureTag.pgp, SignatureTag.gpg]
