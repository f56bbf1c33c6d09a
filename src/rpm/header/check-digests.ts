import { createHash, getFips, type Hash } from 'node:crypto'
import { checkStructure } from './check-structure.ts'
import { malformed, type RpmSource } from './rpm-source.ts'
import type { RpmFile } from './read-rpm.ts'
import { SignatureTag, Tag } from './tag.ts'

/**
 * What rpm refuses however good its signature: headers of another structure, and a wrong digest of its header.
 *
 * @throws HeaderFault, RPM_MALFORMED
 */
export function checkHeaders({ signature, header, label }: RpmFile): void {
  checkStructure(signature, 62)
  checkStructure(header, 63)
  const digests = [
    ['sha256', signature.text(SignatureTag.sha256Header)],
    ['sha1', signature.text(SignatureTag.sha1Header)],
  ] as const
  for (const [name, promised] of digests)
    if (promised !== undefined && createHash(name).update(header.bytes).digest('hex') !== promised.toLowerCase())
      throw malformed(label, `the ${name} digest of its header is wrong`)
}

/**
 * Proves the payload by the header, and by the digest of old, which rpm looks at too. `mayLackDigest`: a header from before
 * there were digests of the payload is not refused. RPM_MALFORMED.
 */
export async function checkPayload(
  source: RpmSource,
  file: RpmFile,
  { mayLackDigest }: { mayLackDigest: boolean },
): Promise<void> {
  const checks = [payloadDigest(file, mayLackDigest), digestOfAll(file)].filter((check) => check !== undefined)
  for await (const chunk of await source.read({ start: file.headerEnd, end: source.sizeBytes }))
    for (const { hash } of checks) hash.update(chunk)
  for (const { hash, promised, what } of checks)
    if (hash.digest('hex') !== promised) throw malformed(file.label, `${what} is not the one that is promised in it`)
}

/** Names of digests as OpenPGP numbers them; those that prove something. */
const digestNames = new Map([
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
])

interface DigestCheck {
  hash: Hash
  promised: string
  what: string
}

function payloadDigest({ header, label }: RpmFile, mayLackDigest: boolean): DigestCheck | undefined {
  const algorithm = header.integer(Tag.payloadDigestAlgorithm) ?? 0
  const name = digestNames.get(algorithm)
  const promised = header.text(Tag.payloadDigest)
  if (name !== undefined && promised !== undefined)
    return { hash: createHash(name), promised: promised.toLowerCase(), what: `the ${name} digest of its payload` }
  if (mayLackDigest) return undefined
  throw malformed(label, `its payload is promised by digest number ${algorithm}, which proves nothing`)
}

/** Not to be had where the host forbids such digests; rpm does without it there, too. */
function digestOfAll({ header, signature }: RpmFile): DigestCheck | undefined {
  const promised = signature.binary(SignatureTag.md5)?.toString('hex')
  if (promised === undefined || getFips() === 1) return undefined
  return { hash: createHash('md5').update(header.bytes), promised, what: 'the md5 digest of header and payload' }
}
