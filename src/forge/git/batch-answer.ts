export interface BatchAnswer {
  objectId: string
  /** `blob`, …; `missing` when there is no such object. */
  type: string
  content: Buffer
}

/**
 * Collects what `git cat-file --batch` writes and takes answers off it:
 * `<id> SP <type> SP <size> LF <content> LF`, or `<id> SP missing LF`. Source: git-cat-file(1), BATCH OUTPUT.
 */
export class BatchAnswers {
  #chunks: Buffer[] = []
  #sizeBytes = 0
  /** Nothing to be found before so many bytes are there: keeps a large file from being joined at every chunk. */
  #neededBytes = 1

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#sizeBytes += chunk.length
  }

  /** Undefined while the next answer is incomplete. */
  take(): BatchAnswer | undefined {
    if (this.#sizeBytes < this.#neededBytes) return undefined
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    const headEnd = all.indexOf(10)
    if (headEnd < 0) {
      this.#neededBytes = all.length + 1
      return undefined
    }
    const [objectId = '', type = '', size] = all.toString('latin1', 0, headEnd).split(' ')
    const contentEnd = headEnd + 1 + Number(size ?? -1)
    this.#neededBytes = contentEnd + 1
    if (all.length < this.#neededBytes) return undefined
    this.#chunks = [all.subarray(contentEnd + 1)]
    this.#sizeBytes = all.length - contentEnd - 1
    this.#neededBytes = 1
    return { objectId, type, content: Buffer.from(all.subarray(headEnd + 1, contentEnd)) }
  }
}
