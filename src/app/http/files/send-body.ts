import { open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { LarderError } from '../../../core/index.ts'
import type { ByteRange } from './byte-range.ts'
import { sendLocalFile } from './send-local-file.ts'
import { SharedChunks } from './shared-chunks.ts'
import { SmallFiles } from './small-files.ts'

/** A file that is known by its content: of a publication, or a blob of the registry. */
export interface SendableFile {
  /** By which small ones are kept in memory. */
  digest: string
  sizeBytes: number
  /** What errors call it. */
  label: string
  /** From `start` (default 0) to `end`, exclusive (default: the size). */
  open(range?: ByteRange): Readable | Promise<Readable>
  /** Local file that holds exactly these bytes, when there is one. */
  localPath?: string | undefined
}

export interface BodyOptions {
  /** A client that takes nothing for so long is given up. */
  stallMs: number
  smallFilesBytes: number
}

/** Sends content of files: small ones from memory, local ones in large steps, others as they stream. */
export class BodySender {
  readonly #stallMs: number
  readonly #small: SmallFiles
  readonly #chunks = new SharedChunks()

  constructor({ stallMs, smallFilesBytes }: BodyOptions) {
    this.#stallMs = stallMs
    this.#small = new SmallFiles(smallFilesBytes)
  }

  /**
   * The head is written once the bytes are at hand: what cannot be read is an error before anything was answered.
   * Answers with the bytes that the socket took.
   */
  async send(response: ServerResponse, file: SendableFile, range: ByteRange, writeHead: () => void): Promise<number> {
    const small = await this.#smallContent(file)
    if (small) {
      writeHead()
      response.end(small.subarray(range.start, range.end))
      return range.end - range.start
    }
    response.setTimeout(this.#stallMs, () => response.destroy())
    if (file.localPath === undefined) {
      writeHead()
      return sendStream(response, file, range)
    }
    const handle = await open(file.localPath, 'r')
    try {
      writeHead()
      return await sendLocalFile(response, { handle, path: file.localPath }, range, this.#chunks)
    } finally {
      await handle.close()
    }
  }

  async #smallContent(file: SendableFile): Promise<Buffer | undefined> {
    const { digest, sizeBytes, label } = file
    if (!this.#small.takes(sizeBytes)) return undefined
    const held = this.#small.get(digest)
    if (held) return held
    const content = await buffer(await file.open())
    if (content.length !== sizeBytes) {
      throw new LarderError('BLOB_DAMAGED', { message: `${label} is not as long as it should be.` })
    }
    this.#small.add(digest, content)
    return content
  }
}

async function sendStream(response: ServerResponse, file: SendableFile, range: ByteRange): Promise<number> {
  try {
    await pipeline(await file.open(range), response)
    return range.end - range.start
  } catch (error) {
    // The client went away; how far it had come is not known.
    if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return 0
    throw error
  }
}
