/**
 * Buffers that files are read into. A few large ones, used again and again, make a single transfer as quick as the
 * disk; when many clients download at once, the later ones get small ones that are not kept, so that memory stays
 * bounded: `large` × 1 MiB, and two chunks of 128 KiB for each further transfer.
 */
export class ChunkPool {
  readonly #free: Buffer[] = []
  readonly #large: number
  #outstanding = 0

  constructor(large = 32) {
    this.#large = large
  }

  acquire(): Buffer {
    if (this.#outstanding >= this.#large) return Buffer.allocUnsafeSlow(smallBytes)
    this.#outstanding += 1
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(largeBytes)
  }

  /** `reusable: false` when somebody may still be reading it. */
  release(chunk: Buffer, reusable: boolean): void {
    if (chunk.length !== largeBytes) return
    this.#outstanding -= 1
    if (reusable && this.#free.length < keptFree) this.#free.push(chunk)
  }
}

const largeBytes = 1024 * 1024
const smallBytes = 128 * 1024
const keptFree = 8
