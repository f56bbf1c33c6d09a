import type { BinarySignature } from '../../publish/index.ts'
import { checkHeaders } from './check-digests.ts'
import { readEntries, writeHeader, type HeaderEntry } from './header-entries.ts'
import { leadBytes, padTo, type RpmFile } from './read-rpm.ts'
import { malformed, readRange, type RpmSource } from './rpm-source.ts'
import { maxWholeBytes } from './verify-rpm.ts'
import { SignatureTag, Tag } from './tag.ts'

/** One binary OpenPGP signature over these bytes. */
export type PackageSigner = (bytes: Uint8Array) => Promise<BinarySignature>

/**
 * What a package begins with when it is signed: lead and signature header, up to its main header, from which on it stays
 * as it is. As `rpmsign --addsign` the signature is of the header, whose digest proves the payload; and of header and
 * payload together where there is no such digest. Source: "RPM Package Format", signature header. RPM_MALFORMED.
 */
export async function signRpm(source: RpmSource, file: RpmFile, sign: PackageSigner): Promise<Buffer> {
  checkHeaders(file)
  const entries = readEntries(file.signature, 62).filter(({ tag }) => !replaced.has(tag))
  const ofHeader = await sign(file.header.bytes)
  entries.push(entryOf(ofHeader.isRsa ? SignatureTag.rsa : SignatureTag.dsa, ofHeader))
  if (!file.header.has(Tag.payloadDigest)) {
    const ofAll = await sign(await readWhole(source, file))
    entries.push(entryOf(ofAll.isRsa ? SignatureTag.pgp : SignatureTag.gpg, ofAll))
  }
  const lead = await readRange(source, { start: 0, end: leadBytes })
  const signature = writeHeader(62, entries)
  return Buffer.concat([lead, signature, Buffer.alloc((padTo - (signature.length % padTo)) % padTo)])
}

/** Signatures that are there, and the room that builders leave for them. */
const replaced = new Set<number>([
  SignatureTag.rsa,
  SignatureTag.dsa,
  SignatureTag.pgp,
  SignatureTag.gpg,
  SignatureTag.reservedSpace,
])

const binary = 7

function entryOf(tag: number, { bytes }: BinarySignature): HeaderEntry {
  return { tag, type: binary, count: bytes.length, bytes: Buffer.from(bytes) }
}

/** Packages of the time were small. */
async function readWhole(source: RpmSource, { label, headerStart, sizeBytes }: RpmFile): Promise<Buffer> {
  if (sizeBytes <= maxWholeBytes) return readRange(source, { start: headerStart, end: sizeBytes })
  throw malformed(label, 'it has no digest of its payload, and is too large to be signed as a whole')
}
