import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Digest, digestFromHex, ioBuffer } from '../core/index.ts'
import type { Expectation, LeaseId, Upload } from './blob-store.ts'
import { hasErrno, onDisk } from './disk-errors.ts'
import { checkExpectation } from './expectation.ts'
import type { UploadStore } from './file-uploads.ts'

interface FileUploadOptions {
  folder: string
  key: string
  lease: LeaseId
  /** Called once, when the upload is closed in whatever way. */
  done: () => void
  store: UploadStore
}

/** Opens what is held under the folder, hashing it again: nothing is believed about what a killed process left. */
export async function openFileUpload(options: FileUploadOptions): Promise<Upload> {
  const handle = await open(join(options.folder, 'data'), constants.O_RDWR | constants.O_CREAT, 0o640)
  try {
    const hash = createHash('sha256')
    const offsetBytes = await hashFile(handle, hash)
    const { tag } = offsetBytes === 0 ? { tag: '' } : await readUploadTag(options.folder)
    const upload = new FileUpload(options, { handle, hash, offsetBytes, tag })
    await upload.recordTag(tag)
    return upload
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** What is written beside the bytes; empty when it is not there or a crash has damaged it. */
export async function readUploadTag(folder: string): Promise<{ tag: string; lease: LeaseId }> {
  try {
    const found = uploadTag.safeParse(JSON.parse(await readFile(join(folder, 'tag'), 'utf8')))
    if (found.success) return { tag: found.data.tag, lease: found.data.lease as LeaseId }
  } catch (error) {
    if (!hasErrno(error, 'ENOENT') && !(error instanceof SyntaxError)) throw error
  }
  return { tag: '', lease: '' as LeaseId }
}

const uploadTag = z.object({ tag: z.string(), lease: z.string() })

class FileUpload implements Upload {
  readonly #options: FileUploadOptions
  readonly #handle: FileHandle
  #hash: Hash
  #offsetBytes: number
  #tag: string
  #open = true
  #unflushedBytes = 0
  #flushing: Promise<void> | undefined
  #flushFailure: Error | undefined

  constructor(options: FileUploadOptions, held: { handle: FileHandle; hash: Hash; offsetBytes: number; tag: string }) {
    this.#options = options
    this.#handle = held.handle
    this.#hash = held.hash
    this.#offsetBytes = held.offsetBytes
    this.#tag = held.tag
  }

  get offsetBytes(): number {
    return this.#offsetBytes
  }

  get tag(): string {
    return this.#tag
  }

  async restart(tag: string): Promise<void> {
    this.#mustBeOpen()
    // Bytes first: a crash in between leaves no bytes, never the old bytes under the new tag.
    await this.#handle.truncate(0)
    this.#hash = createHash('sha256')
    this.#offsetBytes = 0
    await this.recordTag(tag)
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#mustBeOpen()
    await this.#options.store.claim(chunk.length)
    const writing = onDisk('storing an upload', () => writeFully(this.#handle, chunk, this.#offsetBytes))
    // Another thread is writing meanwhile.
    this.#hash.update(chunk)
    try {
      await writing
    } catch (error) {
      await this.#handle.truncate(this.#offsetBytes)
      this.#hash = createHash('sha256')
      await hashFile(this.#handle, this.#hash)
      throw error
    }
    this.#offsetBytes += chunk.length
    this.#unflushedBytes += chunk.length
    if (this.#unflushedBytes >= flushEveryBytes && this.#flushing === undefined) this.#flush()
  }

  async commit(expected: Expectation): Promise<{ digest: Digest; sizeBytes: number }> {
    this.#mustBeOpen()
    const sha256 = this.#hash.copy().digest('hex')
    const sizeBytes = this.#offsetBytes
    try {
      const sha512 = expected.sha512 === undefined ? {} : { sha512: await sha512Of(this.#handle) }
      checkExpectation('upload', expected, { sizeBytes, sha256, ...sha512 })
    } catch (error) {
      await this.abort()
      throw error
    }
    const blob = { digest: digestFromHex(sha256), sizeBytes }
    try {
      await onDisk('storing an upload', async () => {
        await this.#flushing
        if (this.#flushFailure !== undefined) throw this.#flushFailure
        await this.#handle.sync()
      })
      await this.#options.store.adopt(this.#options.lease, join(this.#options.folder, 'data'), blob)
    } catch (error) {
      // The bytes are right and still there: a later openUpload goes on from them.
      await this.suspend()
      throw error
    }
    await this.abort()
    return blob
  }

  async suspend(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#handle.close()
    this.#options.done()
  }

  async abort(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#handle.close()
    await rm(this.#options.folder, { recursive: true, force: true })
    this.#options.done()
  }

  /** So that little is left to be waited for at the end. The disk tells of a failure once: it is kept for commit. */
  #flush(): void {
    this.#unflushedBytes = 0
    const settle = (failure?: Error): void => {
      this.#flushing = undefined
      this.#flushFailure ??= failure
    }
    this.#flushing = this.#handle.datasync().then(() => {
      settle()
    }, settle)
  }

  /** Whole or not at all, by rename. */
  async recordTag(tag: string): Promise<void> {
    const { folder, key, lease } = this.#options
    const path = join(folder, 'tag')
    await onDisk('storing an upload', async () => {
      await writeFile(`${path}.new`, JSON.stringify({ key, tag, lease }))
      await rename(`${path}.new`, path)
    })
    this.#tag = tag
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error('the upload is closed')
  }
}

const flushEveryBytes = 67_108_864
const hashChunkBytes = 1_048_576

async function hashFile(handle: FileHandle, hash: Hash): Promise<number> {
  const buffer = ioBuffer(hashChunkBytes)
  for (let offset = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    if (bytesRead === 0) return offset
    hash.update(buffer.subarray(0, bytesRead))
    offset += bytesRead
  }
}

async function sha512Of(handle: FileHandle): Promise<string> {
  const hash = createHash('sha512')
  await hashFile(handle, hash)
  return hash.digest('hex')
}

/** write(2) may take only a part. */
async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
