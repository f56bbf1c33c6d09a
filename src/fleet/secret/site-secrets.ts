import { isUtf8 } from 'node:buffer'
import { LarderError, type KnownSecrets, type SiteFiles } from '../../core/index.ts'
import { makePrivateFile } from '../../publish/index.ts'
import { readIfThere } from '../read-if-there.ts'

/** What people encrypt for this Larder, and how it reads that. */
export interface SiteSecrets {
  /** `age1…`: whoever has it can encrypt for this Larder (`age -r age1… -o secrets/db.age`), and read nothing. */
  recipient(): Promise<string>
  /**
   * The value of secrets/<name>.age, without the end of its last line; from then on it is masked wherever it would be
   * shown. FLEET_SECRET_UNKNOWN.
   */
  read(files: SiteFiles, name: string): Promise<string>
}

function secretPath(name: string): string {
  return `secrets/${name}.age`
}

/** Secrets of a site repository (age-encryption.org/v1). `identityFile`: made at first use, 0600, whole or not there. */
export function createSiteSecrets(identityFile: string, known: KnownSecrets): SiteSecrets {
  let identity: Promise<string> | undefined
  const ownIdentity = async (): Promise<string> => {
    const asked = (identity ??= readOrMakeIdentity(identityFile))
    try {
      return await asked
    } catch (error) {
      // The next who asks may find that its disk has room again, or that somebody has put it back.
      if (identity === asked) identity = undefined
      throw error
    }
  }
  return {
    async recipient() {
      const { identityToRecipient } = await import('age-encryption')
      return identityToRecipient(await ownIdentity())
    },
    async read(files, name) {
      const path = secretPath(name)
      const bytes = await files.read(path)
      if (bytes === undefined) throw unknown(name, `there is no file ${path} in the site`)
      const value = (await decrypt(bytes, await ownIdentity(), name)).replace(/\n$/, '')
      known.add(value)
      return value
    },
  }
}

async function decrypt(bytes: Buffer, identity: string, name: string): Promise<string> {
  const { armor, Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  let plain: Uint8Array
  decrypter.addIdentity(identity)
  try {
    const text = bytes.toString('latin1')
    const binary = text.startsWith('-----BEGIN AGE') ? armor.decode(text.trim()) : new Uint8Array(bytes)
    plain = await decrypter.decrypt(binary)
  } catch (error) {
    throw unknown(name, 'it cannot be decrypted here', error)
  }
  if (isUtf8(plain)) return Buffer.from(plain).toString('utf8')
  throw new LarderError('FLEET_SECRET_UNKNOWN', {
    message: `The secret ${JSON.stringify(name)} is not to be had: it is no text in UTF-8.`,
    hint: 'Encrypt it as base64, and have a command on the machine decode it.',
    context: { secret: name },
  })
}

async function readOrMakeIdentity(path: string): Promise<string> {
  const there = await readIfThere(path)
  if (there !== undefined) return there.trim()
  const { generateX25519Identity } = await import('age-encryption')
  const made = await generateX25519Identity()
  // Another process may make one just now: what is there first is that of both, since people encrypt for it from then on.
  return (await makePrivateFile(path, `${made}\n`)).trim()
}

function unknown(name: string, why: string, cause?: unknown): LarderError {
  return new LarderError('FLEET_SECRET_UNKNOWN', {
    message: `The secret ${JSON.stringify(name)} is not to be had: ${why}.`,
    hint: `Encrypt it for this Larder: age -r "$(larder secret recipient)" -o ${secretPath(name)}`,
    cause,
    context: { secret: name },
  })
}
