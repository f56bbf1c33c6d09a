import { createWriteStream } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** The bytes of a file: small ones in memory, others in a file that is named by a number. */
export type Content = { bytes: Buffer } | { path: string }

/** As much of small files as is held in memory; what comes then goes to files, too. */
const maxHeldBytes = 32 * 1024 * 1024
const smallBytes = 64 * 1024

export class Spool {
  readonly #folder: string
  #heldBytes = 0
  #count = 0

  /** @param folder exists, and is the caller's to remove */
  constructor(folder: string) {
    this.#folder = folder
  }

  async write(body: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Content> {
    if (sizeBytes <= smallBytes && this.#heldBytes + sizeBytes <= maxHeldBytes) {
      this.#heldBytes += sizeBytes
      const parts: Uint8Array[] = []
      for await (const part of body) parts.push(part)
      return { bytes: Buffer.concat(parts) }
    }
    const path = join(this.#folder, String(this.#count++))
    await pipeline(Readable.from(body), createWriteStream(path, { flags: 'wx', mode: 0o600 }))
    return { path }
  }
}

export function readAll(content: Content): Promise<Buffer> {
  return 'bytes' in content ? Promise.resolve(content.bytes) : readFile(content.path)
}

export async function copyTo(content: Content, path: string): Promise<void> {
  if ('bytes' in content) await writeFile(path, content.bytes, { mode: 0o600 })
  else await copyFile(content.path, path)
}
