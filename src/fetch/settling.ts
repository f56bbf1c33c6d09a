/**
 * Lets transfers go on while the files before them are checked and made durable, many together; but only so many, and
 * so many bytes, since small ones are held in memory until then.
 */
export class Settling {
  readonly #transfers: number
  readonly #running = new Set<Promise<void>>()
  #bytes = 0
  #room = Promise.withResolvers<undefined>()

  /** `transfers` at once are always let in, however large their files are. */
  constructor(transfers: number) {
    this.#transfers = transfers
  }

  /** Resolves when the file is received and the next may begin, or when it has failed, which `all` then does not tell. */
  async begin(sizeBytes: number, work: (onReceived: () => void) => Promise<void>): Promise<void> {
    const { promise: received, resolve: onReceived } = Promise.withResolvers<undefined>()
    this.#bytes += sizeBytes
    const running = work(() => onReceived(undefined)).catch(() => undefined)
    this.#running.add(running)
    const ended = running.then(() => {
      this.#running.delete(running)
      this.#bytes -= sizeBytes
      this.#room.resolve(undefined)
      this.#room = Promise.withResolvers<undefined>()
    })
    await Promise.race([received, ended])
    while (this.#isFull()) await this.#room.promise
  }

  /** Resolves when all have ended. */
  async all(): Promise<void> {
    await Promise.all(this.#running)
  }

  #isFull(): boolean {
    const { size } = this.#running
    return size > this.#transfers && (size > mostFiles || this.#bytes > mostBytes)
  }
}

const mostFiles = 512
const mostBytes = 16 * 1024 * 1024
