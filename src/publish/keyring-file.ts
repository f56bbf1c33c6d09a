import { join } from 'node:path'
import { z } from 'zod'
import { LarderError } from '../core/index.ts'
import { KeyFile } from './key-file.ts'

const heldKey = z.strictObject({
  fingerprint: z.string().regex(/^[0-9A-F]{40}$/),
  /** Encrypted when a passphrase file is given. */
  privateKeyArmored: z.string(),
  /** ISO 8601. From then on it no longer signs and is no longer handed to clients; null: the key in use. */
  retiresAt: z.iso.datetime().nullable(),
})

export type HeldKey = z.infer<typeof heldKey>

/** keys/<name>.json; a name of larder.yaml, checked again since it becomes a file name. */
export function keyringFile(folder: string, name: string): KeyFile<HeldKey> {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return new KeyFile(join(folder, `${name}.json`), heldKey)
  throw new LarderError('USAGE', {
    message: `"${name.slice(0, 80)}" cannot be the name of a key: letters, digits, ".", "_" and "-" are allowed, 64 at most.`,
  })
}
