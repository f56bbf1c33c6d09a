/** Takes exact numbers of bytes from a stream of pieces of any size. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#pieces = source[Symbol.asyncIterator]()
  }

  /** That many bytes in one piece; fewer only where the stream ends. */
  async read(sizeBytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.take(sizeBytes)) parts.push(part)
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** That many bytes as they come; fewer only where the stream ends. */
  async *take(sizeBytes: number): AsyncGenerator<Buffer> {
    let leftBytes = sizeBytes
    while (leftBytes > 0) {
      if (this.#rest.length === 0 && !(await this.#fill())) return
      const part = this.#rest.subarray(0, leftBytes)
      this.#rest = this.#rest.subarray(part.length)
      leftBytes -= part.length
      yield part
    }
  }

  /** Reads to the end, so that whoever checks the whole stream has seen all of it. */
  async drain(): Promise<void> {
    while (await this.#fill());
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }

  async #fill(): Promise<boolean> {
    const next = await this.#pieces.next()
    if (next.done === true) return false
    this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    return true
  }
}
