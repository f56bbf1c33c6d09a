import type { Key, PublicKey } from 'openpgp'
import { LarderError } from '../core/index.ts'
import { parseArmor } from './armor.ts'
import { openpgp } from './library.ts'

/** Keys whose signatures are believed. */
export interface Keyring {
  keys: readonly PublicKey[]
  /** When there: only signatures made by one of these count. Upper case; with `!` no subkey of it will do. */
  onlyFingerprints?: readonly string[]
}

export interface KeyFile {
  /** Named in errors. */
  name: string
  bytes: Uint8Array
}

/**
 * Reads keys as apt takes them: armoured (`.asc`, several blocks too) or binary (`.gpg`), several keys in a file.
 * Empty files are passed over, as apt does with /etc/apt/trusted.gpg.
 *
 * @throws KEYRING_UNREADABLE for a file that holds something else, or when there is no key in any of the files
 */
export async function parseKeyring(files: readonly KeyFile[]): Promise<Keyring> {
  const keys: PublicKey[] = []
  for (const file of files) if (file.bytes.length > 0) keys.push(...(await parseKeys(file)))
  if (keys.length > 0) return { keys }
  throw unreadable(files.map((file) => file.name).join(', ') || 'the list of keyrings', 'there is no key in it')
}

/** Narrows a keyring to what `Signed-By` of a source or of the Release before names by fingerprint. */
export function restrictKeyring(keyring: Keyring, fingerprints: readonly string[]): Keyring {
  const wanted = fingerprints.map((fingerprint) => fingerprint.toUpperCase())
  const before = keyring.onlyFingerprints
  return { keys: keyring.keys, onlyFingerprints: before === undefined ? wanted : meet(before, wanted) }
}

/** Armour as deb822 writes it into a field: a blank before each line, ` .` for an empty one. */
export function unfoldArmor(value: string): string {
  const lines = value.split('\n').map((line) => line.trim())
  return (
    lines
      .map((line) => (line === '.' ? '' : line))
      .join('\n')
      .trim() + '\n'
  )
}

/** Fingerprint of a key, upper case. */
export function fingerprintOf(key: { getFingerprint(): string }): string {
  return key.getFingerprint().toUpperCase()
}

async function parseKeys(file: KeyFile): Promise<PublicKey[]> {
  const keys: Key[] = []
  for (const binaryKeys of binaryParts(file)) {
    try {
      keys.push(...(await openpgp().readKeys({ binaryKeys })))
    } catch (cause) {
      // openpgp throws plain Error for all that is wrong with its input
      throw unreadable(file.name, cause instanceof Error ? cause.message : 'it is damaged', cause)
    }
  }
  if (keys.some((key) => key.isPrivate()))
    throw unreadable(file.name, 'it holds a secret key, which does not belong here')
  return keys.map((key) => key.toPublic())
}

/** A binary file as it is; of armour, each block. */
function binaryParts({ name, bytes }: KeyFile): Uint8Array[] {
  if (Buffer.from(bytes.subarray(8, 12)).toString('latin1') === 'KBXf') {
    throw unreadable(name, 'it is a keybox, which apt does not read either', undefined, `gpg --export > ${name}`)
  }
  const first = bytes[0] ?? 0
  if (first >= 0x80) return [bytes]
  const blocks = parseArmor(Buffer.from(bytes).toString('latin1'))
  if (blocks.length === 0) throw unreadable(name, 'it is neither armoured nor binary OpenPGP')
  return blocks.map((block) => {
    if (block === undefined) throw unreadable(name, 'its armour is damaged')
    if (block.label !== 'PUBLIC KEY BLOCK') throw unreadable(name, `it holds a ${block.label}, not a public key`)
    return block.bytes
  })
}

/** With `F!` and `F` in the two lists, `F!` is what both allow. */
function meet(a: readonly string[], b: readonly string[]): string[] {
  const plain = (fingerprint: string): string => fingerprint.replace('!', '')
  const both = (one: readonly string[], other: readonly string[]): string[] =>
    one.filter(
      (fingerprint) => other.includes(fingerprint) || (fingerprint.endsWith('!') && other.includes(plain(fingerprint))),
    )
  return [...new Set([...both(a, b), ...both(b, a)])]
}

function unreadable(name: string, fault: string, cause?: unknown, command?: string): LarderError {
  return new LarderError('KEYRING_UNREADABLE', {
    message: `The keyring ${name} cannot be used: ${fault}.`,
    hint:
      command === undefined
        ? 'Give a file of public keys, as gpg --export or gpg --armor --export writes it.'
        : `Export the keys: ${command}`,
    context: { file: name },
    ...(cause === undefined ? {} : { cause }),
  })
}
