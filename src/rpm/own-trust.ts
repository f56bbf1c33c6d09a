import { refused, sourceOf, type OwnFile, type OwnPackage, type OwnPolicy } from '../mirror/index.ts'
import { parseKeyring, type KeyFile } from '../openpgp/index.ts'
import { checkRpm, isSigned, verifyRpm, type RpmFile } from './header/index.ts'
import { signFile } from './sign-file.ts'

export interface TrustedRpm {
  /** What the file is now. */
  file: OwnFile
  rpm: RpmFile
  signature: Pick<OwnPackage, 'givenDigest' | 'signedBy'>
}

/**
 * By `ownKeys` and `signOwn` of the mirror: a package must have a signature of one of the keys, or gets that of the
 * mirror, or needs none. OWN_PACKAGE_REFUSED, RPM_MALFORMED, SIGNATURE_*, KEYRING_UNREADABLE, KEY_LOCKED, DISK_FULL.
 */
export async function readTrusted(file: OwnFile, policy: OwnPolicy): Promise<TrustedRpm> {
  const { ownKeys, signOwn } = policy.mirror
  const rpm = await checkRpm(sourceOf(file))
  if (ownKeys === undefined && signOwn !== true) return { file, rpm, signature: {} }
  return signOwn === true && !isSigned(rpm) ? sign(file, rpm, policy) : verify(file, policy)
}

async function sign(file: OwnFile, rpm: RpmFile, { signingKey, now, signal }: OwnPolicy): Promise<TrustedRpm> {
  const key = await signingKey()
  const signed = await signFile(file, rpm, { sign: (bytes) => key.signBinary(bytes, now), signal })
  return {
    file: signed,
    rpm: await checkRpm(sourceOf(signed)),
    signature: { givenDigest: file.digest, signedBy: key.fingerprint },
  }
}

async function verify(file: OwnFile, policy: OwnPolicy): Promise<TrustedRpm> {
  const keyring = await parseKeyring(await keyFiles(file, policy))
  const { file: rpm, signers } = await verifyRpm(sourceOf(file), keyring, { now: policy.now })
  const [signedBy] = signers
  return { file, rpm, signature: signedBy === undefined ? {} : { signedBy } }
}

/** With the key of the mirror where it signs, since what came from it may be given back. */
async function keyFiles(file: OwnFile, { mirror, readKey, signingKey }: OwnPolicy): Promise<KeyFile[]> {
  const paths = (mirror['ownKeys'] as readonly string[] | undefined) ?? []
  const files = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readKey(path)
      if (bytes !== undefined) return { name: path, bytes }
      throw refused(file.label, `the key ${path} of ownKeys is not there`, 'Commit it to the site repository.')
    }),
  )
  if (mirror['signOwn'] !== true) return files
  const { publicKeyArmored } = await signingKey()
  return [...files, { name: 'the key of the mirror', bytes: Buffer.from(publicKeyArmored) }]
}
