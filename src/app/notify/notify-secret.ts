import { randomBytes } from 'node:crypto'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { LarderError, readIfThere } from '../../core/index.ts'

/**
 * Keys that sign notifications, one a line as `whsec_` and base64; the file is made, readable by its owner only, where
 * it is missing. Several sign at once, so that a listener can be given a new one. CONFIG_INVALID.
 * Source: Standard Webhooks 1.0, "Signature scheme".
 */
export async function readOrMakeNotifySecrets(path: string): Promise<Buffer[]> {
  const text = (await readIfThere(path))?.toString()
  const lines = (text ?? (await makeSecret(path))).split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '').map((line) => keyOf(line, path))
  if (keys.length > 0) return keys
  throw malformed(path, 'It is empty.')
}

const secretBytes = 32

async function makeSecret(path: string): Promise<string> {
  const secret = `whsec_${randomBytes(secretBytes).toString('base64')}\n`
  await writeFile(`${path}.new`, secret, { mode: 0o600 })
  await chmod(`${path}.new`, 0o600)
  await rename(`${path}.new`, path)
  return secret
}

function keyOf(line: string, path: string): Buffer {
  const key = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(line)?.[1]
  const bytes = Buffer.from(key ?? '', 'base64')
  if (bytes.length >= 24 && bytes.length <= 64) return bytes
  throw malformed(path, 'A line of it is not whsec_ and 24 to 64 bytes in base64.')
}

function malformed(path: string, why: string): LarderError {
  return new LarderError('CONFIG_INVALID', {
    message: `The secret of notifications in ${path} cannot be used. ${why}`,
    hint: 'Remove the file, and Larder makes a good one at its next start.',
  })
}
