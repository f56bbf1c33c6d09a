import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { LarderError } from '../core/index.ts'
import { writePrivateFile } from './private-file.ts'

const heldKey = z.strictObject({
  fingerprint: z.string().regex(/^[0-9A-F]{40}$/),
  /** Encrypted when a passphrase file is given. */
  privateKeyArmored: z.string(),
  /** ISO 8601. From then on it no longer signs and is no longer handed to clients; null: the key in use. */
  retiresAt: z.iso.datetime().nullable(),
})
const keyringFile = z.strictObject({ keys: z.array(heldKey) })

export type HeldKey = z.infer<typeof heldKey>

/** Keys of a name, newest first; none when no file is there. KEY_UNSUITABLE when the file is damaged. */
export async function readKeyringFile(folder: string, name: string): Promise<HeldKey[]> {
  const path = pathOf(folder, name)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  try {
    return keyringFile.parse(JSON.parse(text)).keys
  } catch (error) {
    throw new LarderError('KEY_UNSUITABLE', {
      message: `The file ${path} is damaged.`,
      hint: 'Restore it from a backup. A new key would not be trusted by the clients that have the old one.',
      cause: error,
      context: { path },
    })
  }
}

/** As writePrivateFile. */
export async function writeKeyringFile(folder: string, name: string, keys: readonly HeldKey[]): Promise<void> {
  await writePrivateFile(pathOf(folder, name), `${JSON.stringify({ keys }, undefined, 2)}\n`)
}

/** keys/<name>.json; a name of larder.yaml, checked again since it becomes a file name. */
function pathOf(folder: string, name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return join(folder, `${name}.json`)
  throw new LarderError('USAGE', {
    message: `"${name.slice(0, 80)}" cannot be the name of a key: letters, digits, ".", "_" and "-" are allowed, 64 at most.`,
  })
}
