import { closeSync, fdatasync, openSync } from 'node:fs'
import { LarderError } from '../core/index.ts'

/**
 * Waits for the disk in place of SQLite, which would hold up this thread for it (0.3 to 20 ms each): a commit under
 * synchronous=NORMAL is in the journal (`-wal`) and only that has to reach the disk. What was committed while one wait
 * is under way shares the next. Source: https://sqlite.org/wal.html#performance_considerations; SQLite locks the
 * database and `-shm`, never `-wal`, so closing this file gives up none of its locks.
 */
export class JournalSync {
  readonly #path: string
  readonly #sync: (descriptor: number) => Promise<void>
  #descriptor: number | undefined
  #running: Promise<void> | undefined
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
    if (this.#running === undefined) return this.#start()
    // It may have begun before what the caller has committed was written.
    this.#next ??= this.#running.catch(() => undefined).then(() => this.#start())
    return this.#next
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#running)?.catch(() => undefined)
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #start(): Promise<void> {
    this.#next = undefined
    const running = this.#once().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #once(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      // SQLite makes it with the first commit, and keeps the same file as long as the database is open.
      this.#descriptor ??= openSync(this.#path, 'r')
      await this.#sync(this.#descriptor)
    } catch (cause) {
      throw (this.#failure = failureOf(cause))
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
