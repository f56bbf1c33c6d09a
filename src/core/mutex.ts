/** Lets one holder in at a time, in the order of asking. */
export class Mutex {
  #last: Promise<undefined> = Promise.resolve(undefined)

  /** Resolves when it is this caller's turn, with the function that ends the turn. */
  async acquire(): Promise<() => void> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#last = promise
    await before
    return () => {
      resolve(undefined)
    }
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.acquire()
    try {
      return await work()
    } finally {
      release()
    }
  }
}
