import { type Digest, Mutex } from '../core/index.ts'

/**
 * Keeps gc and writers apart, without a lock that either holds for long.
 *
 * A writer records its lease first, then waits here, then looks whether the blob exists. gc announces here first,
 * then asks which blobs are leased, then removes the others. Whichever came first: if gc's question came before
 * the record, the writer waits until the blob is gone and writes it anew; if it came after, gc has seen the lease.
 * One process owns the store (`lockDataFolder`), so a map in memory is enough.
 */
export class Removals {
  readonly #running = new Map<Digest, Promise<unknown>>()

  readonly #turn = new Mutex()

  /** Resolves when no removal of the blob is under way. */
  async settled(digest: Digest): Promise<void> {
    for (let one = this.#running.get(digest); one !== undefined; one = this.#running.get(digest)) await one
  }

  /** Announces the blobs while the work goes on; one such work at a time. */
  run<T>(digests: readonly Digest[], work: () => Promise<T>): Promise<T> {
    return this.#turn.run(async () => {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      for (const digest of digests) this.#running.set(digest, promise)
      try {
        return await work()
      } finally {
        this.#running.clear()
        resolve(undefined)
      }
    })
  }
}
