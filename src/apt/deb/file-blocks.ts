import type { FileHandle } from 'node:fs/promises'
import { readSync } from 'node:fs'
import type { TarBlocks } from './tar.ts'

/** Headers of small files lie close together. */
const windowBytes = 16 * 1024

/** A part of a file as the blocks of a tar archive: what is skipped is not even read. */
export class FileBlocks implements TarBlocks {
  readonly #file: FileHandle
  readonly #end: number
  #at: number
  readonly #window = Buffer.allocUnsafe(windowBytes)
  #windowStart = 0
  #windowEnd = 0

  constructor(file: FileHandle, { start, end }: { start: number; end: number }) {
    this.#file = file
    this.#at = start
    this.#end = end
  }

  take(sizeBytes: number): Promise<Buffer> {
    const end = Math.min(this.#at + sizeBytes, this.#end)
    const bytes = end - this.#at > windowBytes ? this.#read(end) : this.#fromWindow(end)
    this.#at += bytes.length
    return Promise.resolve(bytes)
  }

  skip(sizeBytes: number): Promise<boolean> {
    const isThere = this.#at + sizeBytes <= this.#end
    this.#at = Math.min(this.#at + sizeBytes, this.#end)
    return Promise.resolve(isThere)
  }

  /** Valid until the next call. */
  #fromWindow(end: number): Buffer {
    if (this.#at < this.#windowStart || end > this.#windowEnd) {
      this.#windowStart = this.#at
      const count = readSync(this.#file.fd, this.#window, 0, Math.min(windowBytes, this.#end - this.#at), this.#at)
      this.#windowEnd = this.#at + count
    }
    return this.#window.subarray(this.#at - this.#windowStart, Math.min(end, this.#windowEnd) - this.#windowStart)
  }

  #read(end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - this.#at)
    return bytes.subarray(0, readSync(this.#file.fd, bytes, 0, bytes.length, this.#at))
  }
}
