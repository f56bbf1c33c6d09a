import { statfs } from 'node:fs/promises'
import { LarderError, formatBytes } from '../core/index.ts'

/**
 * Refuses blobs before the disk is full to the last byte: the database needs some room to forget things, and
 * without that gc could free nothing.
 */
export class FreeSpace {
  readonly #folder: string
  readonly #reserveBytes: number
  /** What was free at the last look, less what was claimed since; looking at every write would cost as much as a small write. */
  #freeBytes = 0
  #claimedBytes = 0

  constructor(folder: string, reserveBytes: number) {
    this.#folder = folder
    this.#reserveBytes = reserveBytes
  }

  /** To be called before writing so many bytes. DISK_FULL. */
  async claim(sizeBytes: number): Promise<void> {
    const known = this.#freeBytes - sizeBytes > 2 * this.#reserveBytes && this.#claimedBytes < lookAgainBytes
    if (!known) await this.#look()
    if (this.#freeBytes - sizeBytes < this.#reserveBytes) throw this.#full(sizeBytes)
    this.#freeBytes -= sizeBytes
    this.#claimedBytes += sizeBytes
  }

  async #look(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder)
    this.#freeBytes = bavail * bsize
    this.#claimedBytes = 0
  }

  #full(sizeBytes: number): LarderError {
    return new LarderError('DISK_FULL', {
      message:
        `The file system of ${this.#folder} has ${formatBytes(this.#freeBytes)} free; to store ${formatBytes(sizeBytes)} ` +
        `would leave less than the ${formatBytes(this.#reserveBytes)} that the database may need.`,
      hint: 'Free space there, or run `larder gc`; then run the work again. Nothing half-written is kept.',
      context: { folder: this.#folder, freeBytes: this.#freeBytes, reserveBytes: this.#reserveBytes },
    })
  }
}

export async function defaultReserve(folder: string): Promise<number> {
  const { blocks, bsize } = await statfs(folder)
  return Math.min(67_108_864, (blocks * bsize) / 8)
}

const lookAgainBytes = 16_777_216
