import type { Upload } from '../../store/index.ts'

/**
 * Appends to an upload in large steps what comes in small pieces: while one step is being stored, the next is gathered.
 * Pieces are copied, so whoever gave them may use them again.
 */
export class Batches {
  readonly #upload: Upload
  /** Two turns: one is gathered, one stored. */
  #gathering = spare.pop() ?? Buffer.allocUnsafeSlow(batchBytes)
  #storing = spare.pop() ?? Buffer.allocUnsafeSlow(batchBytes)
  #gatheredBytes = 0
  #storingBytes = 0
  #stored: Promise<void> = Promise.resolve()

  constructor(upload: Upload) {
    this.#upload = upload
  }

  /** Bytes that the upload holds once everything given is stored. */
  get offsetBytes(): number {
    return this.#upload.offsetBytes + this.#storingBytes + this.#gatheredBytes
  }

  /** Waits only where storing is slower than what comes. What storing throws: DISK_FULL. */
  async add(piece: Uint8Array): Promise<void> {
    for (let from = 0; from < piece.length;) {
      const end = Math.min(piece.length, from + batchBytes - this.#gatheredBytes)
      this.#gathering.set(piece.subarray(from, end), this.#gatheredBytes)
      this.#gatheredBytes += end - from
      from = end
      if (this.#gatheredBytes === batchBytes) await this.#store()
    }
  }

  /** Stores the rest. To be called once, and nothing after it. What storing throws: DISK_FULL. */
  async end(): Promise<void> {
    try {
      if (this.#gatheredBytes > 0) await this.#store()
      await this.#stored
    } finally {
      // A step that failed has come to its end, too: nobody reads from these any more.
      spare.push(this.#gathering, this.#storing)
      spare.length = Math.min(spare.length, mostSpare)
    }
  }

  async #store(): Promise<void> {
    await this.#stored
    const full = this.#gathering
    this.#gathering = this.#storing
    this.#storing = full
    this.#storingBytes = this.#gatheredBytes
    this.#gatheredBytes = 0
    this.#stored = this.#upload.append(full.subarray(0, this.#storingBytes)).finally(() => (this.#storingBytes = 0))
    // Whoever waits for it next is told.
    this.#stored.catch(() => undefined)
  }
}

const batchBytes = 524_288
const spare: Buffer[] = []
const mostSpare = 8
