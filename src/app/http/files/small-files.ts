/** Whole small files in memory, the least recently used ones given up first. Content never goes stale: it is found by digest. */
export class SmallFiles {
  readonly #byDigest = new Map<string, Buffer>()
  readonly #maxBytes: number
  #sizeBytes = 0

  /** Default 64 MiB in all. */
  constructor(maxBytes = 64 * 1024 * 1024) {
    this.#maxBytes = maxBytes
  }

  /** Whether a file of this size is kept. */
  takes(sizeBytes: number): boolean {
    return sizeBytes <= largestBytes && sizeBytes <= this.#maxBytes
  }

  get(digest: string): Buffer | undefined {
    const found = this.#byDigest.get(digest)
    if (found) {
      this.#byDigest.delete(digest)
      this.#byDigest.set(digest, found)
    }
    return found
  }

  add(digest: string, content: Buffer): void {
    if (this.#byDigest.has(digest) || !this.takes(content.length)) return
    this.#byDigest.set(digest, content)
    this.#sizeBytes += content.length
    for (const [oldest, { length }] of this.#byDigest) {
      if (this.#sizeBytes <= this.#maxBytes) break
      this.#byDigest.delete(oldest)
      this.#sizeBytes -= length
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }
}

const largestBytes = 256 * 1024
