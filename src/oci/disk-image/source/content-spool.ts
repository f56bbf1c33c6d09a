import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { byteString } from './root-path.ts'
import type { Attributes, RootFile } from './root-tree.ts'

/** Up to this size a file is written at once. */
const smallBytes = 1024 * 1024

/** Where the bytes of files lie until the file system is made: numbered files, named by nothing that comes from outside. */
export class ContentSpool {
  readonly #folder: string
  #count = 0

  /** @param folder exists, and is the caller's to remove */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Where the bytes lie now, as a string of bytes. */
  async write(content: AsyncIterable<Buffer>, sizeBytes: number): Promise<string> {
    const path = join(this.#folder, String(this.#count++))
    if (sizeBytes > smallBytes) await pipeline(Readable.from(content), createWriteStream(path, { mode: 0o600 }))
    else await writeFile(path, await inOnePiece(content), { mode: 0o600 })
    return byteString(path)
  }

  /** A file of a tree with a text of ours. */
  async writeFile(text: string, attributes: Attributes): Promise<RootFile> {
    const path = join(this.#folder, String(this.#count++))
    await writeFile(path, text, { mode: 0o600 })
    return { kind: 'file', attributes, sizeBytes: Buffer.byteLength(text), contentPath: byteString(path) }
  }
}

async function inOnePiece(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of content) parts.push(part)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
