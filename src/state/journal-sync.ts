import { closeSync, fdatasync, openSync } from 'node:fs'
import { LarderError } from '../core/index.ts'

/** One more would seldom find anything left to wait for, and takes a thread from others who read and write files. */
const mostAtOnce = 2

/**
 * Waits for the disk in place of SQLite, which would hold up this thread for it (0.3 to 20 ms each): a commit under
 * synchronous=NORMAL is in the journal (`-wal`) and only that has to reach the disk. What is committed while two waits
 * are under way shares the next. Source: https://sqlite.org/wal.html#performance_considerations; SQLite locks the
 * database and `-shm`, never `-wal`, so closing this file gives up none of its locks.
 */
export class JournalSync {
  readonly #path: string
  readonly #sync: (descriptor: number) => Promise<void>
  /** Each wait has a file of its own: Linux tells a failure once for each that is open. */
  readonly #idle: number[] = []
  readonly #running = new Set<Promise<void>>()
  #next: Promise<void> | undefined
  #failure: Error | undefined

  /** `path` of the database; that of the journal follows from it. */
  constructor(path: string, sync: (descriptor: number) => Promise<void> = syncData) {
    this.#path = `${path}-wal`
    this.#sync = sync
  }

  /**
   * What was committed before this call is on the disk when it resolves. After a failure nobody knows what has reached
   * the disk, even if the next attempt does not fail: DISK_FULL or DATA_DAMAGED, until the database is opened anew.
   */
  durable(): Promise<void> {
    if (this.#running.size < mostAtOnce) return this.#start()
    // Those may have begun before what the caller has committed was written.
    this.#next ??= Promise.race([...this.#running].map((one) => one.catch(() => undefined))).then(() => this.#start())
    return this.#next
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => undefined)
    await Promise.allSettled(this.#running)
    for (const descriptor of this.#idle.splice(0)) closeSync(descriptor)
  }

  #start(): Promise<void> {
    this.#next = undefined
    const running = this.#once().finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  async #once(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      // SQLite makes it with the first commit, and keeps the same file as long as the database is open.
      const descriptor = this.#idle.pop() ?? openSync(this.#path, 'r')
      await this.#sync(descriptor).finally(() => this.#idle.push(descriptor))
    } catch (cause) {
      throw (this.#failure ??= failureOf(cause))
    }
  }
}

function syncData(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(descriptor, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

function failureOf(cause: unknown): LarderError {
  const { code, message } = cause as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return new LarderError(isFull ? 'DISK_FULL' : 'DATA_DAMAGED', {
    message: `What was committed to the database did not reach the disk: ${message}.`,
    hint: isFull
      ? 'Free space on the file system of the data directory, and start Larder again.'
      : 'The disk may be failing. Look at the log of the system, and start Larder again when it is well.',
    cause,
  })
}
