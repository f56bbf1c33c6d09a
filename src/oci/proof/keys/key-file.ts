import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { LarderError } from '../../../core/index.ts'
import { writePrivateFile } from '../../../publish/index.ts'

const heldKey = z.strictObject({
  /** SHA-256 of the public half as SPKI in DER. */
  id: z.string().regex(/^[0-9a-f]{64}$/),
  publicKeyPem: z.string(),
  /** PKCS #8; encrypted when a passphrase file is given. */
  privateKeyPem: z.string(),
  /** ISO 8601. From then on it no longer signs; null: the key in use. */
  retiresAt: z.iso.datetime().nullable(),
})
const keyFile = z.strictObject({ keys: z.array(heldKey) })

export type HeldKey = z.infer<typeof heldKey>

/** Newest first; none when there is no file. KEY_UNSUITABLE when it is damaged. */
export async function readKeyFile(path: string): Promise<HeldKey[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  try {
    return keyFile.parse(JSON.parse(text)).keys
  } catch (error) {
    throw new LarderError('KEY_UNSUITABLE', {
      message: `The file ${path} is damaged.`,
      hint: 'Restore it from a backup. A new key would not be trusted by the clients that have the old one.',
      cause: error,
      context: { path },
    })
  }
}

export async function writeKeyFile(path: string, keys: readonly HeldKey[]): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify({ keys }, undefined, 2)}\n`)
}
