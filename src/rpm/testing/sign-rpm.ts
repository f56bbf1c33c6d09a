import { createMessage, sign, type PrivateKey } from 'openpgp'
import { readRpmBytes } from '../header/read-rpm.ts'
import { SignatureTag } from '../header/tag.ts'
import { bin } from './header-bytes.ts'
import { assembleRpm } from './make-rpm.ts'

/** Signs the header, as `rpmsign --addsign` does; `whole`: header and payload together, as rpm of old did. */
export async function signRpm(
  rpm: Buffer,
  key: PrivateKey,
  { date = new Date(), whole = false }: { date?: Date; whole?: boolean } = {},
): Promise<Buffer> {
  const { header, headerStart, headerEnd, signature } = readRpmBytes(rpm, 'the package to sign')
  const isRsa = key.getAlgorithmInfo().algorithm.startsWith('rsa')
  const binary = whole ? rpm.subarray(headerStart) : header.bytes
  const message = await createMessage({ binary })
  const signed: Uint8Array = await sign({ message, signingKeys: key, detached: true, format: 'binary', date })
  const ofHeader = isRsa ? SignatureTag.rsa : SignatureTag.dsa
  const ofAll = isRsa ? SignatureTag.pgp : SignatureTag.gpg
  const parts = {
    header: header.bytes,
    payload: rpm.subarray(headerEnd),
    archiveBytes: signature.integer(SignatureTag.payloadSize) ?? 0,
  }
  return assembleRpm(
    rpm.subarray(0, 96),
    parts,
    new Map([[whole ? ofAll : ofHeader, bin(Buffer.from(signed.buffer, signed.byteOffset, signed.length))]]),
  )
}
