import { randomInt } from 'node:crypto'
import { close, constants, open, read, write } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { LarderError, Mutex, openIfThere } from '../core/index.ts'
import {
  beginsBatch,
  blockBytes,
  decodeBatch,
  encodeBatch,
  type BodyPlace,
  type JournalRecord,
} from './delivery-batch.ts'

export interface DeliveryJournalOptions {
  /** Of its two files; made at the first delivery. */
  paths: readonly [string, string]
  /** How long each of them is. Default: 16 MiB, some 2,000 deliveries. One that is longer makes its file longer. */
  fileBytes?: number
  /** Brings into the database, durably, whatever of these is not there yet: then the file is written anew. */
  reclaim: (file: number) => Promise<void>
  /** To a file that is opened with O_DSYNC: on the disk when it resolves. */
  write?: typeof writeWhole
}

/** Where the body of a delivery is. */
export interface JournalPlace extends BodyPlace {
  file: number
}

/** Used again and again, for two batches at once; what is larger gets one of its own. */
const bufferBytes = 128 * blockBytes

/**
 * Two files of fixed length, written in turn: where neither the length of a file nor its place on the disk changes, a
 * write is there as soon as its own blocks are, without the file system's journal. In a file, batches are one after the
 * other, and those of one filling have the same number, the lap.
 */
export class DeliveryJournal {
  readonly #options: DeliveryJournalOptions
  readonly #placing = new Mutex()
  readonly #files: (Promise<number> | undefined)[] = [undefined, undefined]
  /** Undefined: something in it may not be in the database yet. */
  readonly #free: (Promise<void> | undefined)[] = [Promise.resolve(), Promise.resolve()]
  readonly #buffers = [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)]
  #current = 1
  #position = 0
  /** Undefined: the next batch begins the other file. */
  #lap: number | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: DeliveryJournalOptions) {
    this.#options = options
  }

  /**
   * Durable when it resolves. Batches become durable in the order of these calls; when one fails, those that were begun
   * after it fail too. `onDurable` is called with where their bodies are, before anything of that file is reclaimed.
   * DISK_FULL, DATA_DAMAGED, and what `reclaim` throws.
   */
  async append(records: readonly JournalRecord[], onDurable: (bodies: readonly JournalPlace[]) => void): Promise<void> {
    const buffer = this.#buffers.pop() ?? Buffer.alloc(0)
    try {
      const { written } = await this.#placing.run(() => this.#begin(records, buffer, onDurable))
      await written
    } finally {
      this.#buffers.push(buffer)
    }
  }

  /**
   * What a file holds that the last life has left, oldest first; of one that was reclaimed, what it held before. A batch that was cut off by the
   * end of the process was not acknowledged, nor was any after it.
   */
  async read(file: number): Promise<JournalRecord[]> {
    const bytes = await readFilled(this.#options.paths[file]!)
    const records: JournalRecord[] = []
    const first = decodeBatch(bytes, 0)
    for (let batch = first; batch !== undefined && batch.lap === first?.lap; batch = decodeBatch(bytes, batch.end)) {
      for (const record of batch.records) records.push(record)
    }
    return records
  }

  /** Of a delivery that is in a file that was not reclaimed since. */
  async readBody({ file, at, bytes }: JournalPlace): Promise<string> {
    const buffer = Buffer.alloc(bytes)
    const descriptor = await this.#files[file]
    if (descriptor === undefined) throw new Error('a body is asked for of a file that was never written')
    await promisify(read)(descriptor, buffer, 0, bytes, at)
    return buffer.toString('utf8')
  }

  /** All of it is in the database: the next start has nothing to read. For when nothing is under way. */
  async clear(): Promise<void> {
    for (const path of this.#options.paths) {
      const file = await openIfThere(path, 'r+')
      await file?.write(Buffer.alloc(blockBytes), 0, blockBytes, 0)
      await file?.close()
    }
    this.#lap = undefined
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined)
    for (const opening of this.#files.splice(0)) {
      const file = await opening?.catch(() => undefined)
      if (file !== undefined) await closeFile(file)
    }
  }

  /** What it answers is in an object, since it is not to be waited for in here. */
  async #begin(
    records: readonly JournalRecord[],
    buffer: Buffer,
    onDurable: (bodies: readonly JournalPlace[]) => void,
  ): Promise<{ written: Promise<void> }> {
    let lap = this.#lap ?? (await this.#nextFile())
    let { bytes, bodies } = encodeBatch(records, lap, buffer)
    if (this.#position > 0 && this.#position + bytes.length > this.#fileBytes) {
      lap = await this.#nextFile()
      ;({ bytes, bodies } = encodeBatch(records, lap, buffer))
    }
    const [file, position] = [this.#current, this.#position]
    const write = this.#options.write ?? writeWhole
    this.#position += bytes.length
    // By then, what is in the other has been settled, so that it is hardly ever read again.
    if (this.#position > this.#fileBytes / 2) this.#reclaim(1 - file).catch(() => undefined)
    const written = Promise.allSettled([this.#last, write(await this.#files[file]!, bytes, position)]).then((both) => {
      const failed = both.find(({ status }) => status === 'rejected')
      if (failed === undefined) {
        onDurable(bodies.map((one) => ({ file, at: position + one.at, bytes: one.bytes })))
        return
      }
      // What comes after a hole would not be found.
      this.#lap = undefined
      throw (failed as PromiseRejectedResult).reason
    })
    this.#last = written
    return { written }
  }

  /** The other file, written from its beginning. What is in this one is brought into the database meanwhile. */
  async #nextFile(): Promise<number> {
    const [before, next] = [this.#current, 1 - this.#current]
    await this.#reclaim(next)
    await this.#open(next)
    // All that is on its way to this file has to be known as being in it.
    if (this.#lap === undefined) await this.#last.catch(() => undefined)
    this.#last = this.#last.catch(() => undefined)
    this.#current = next
    this.#free[before] = undefined
    this.#position = 0
    this.#lap = randomInt(2 ** 48 - 1)
    // The other will be needed, and making it takes a while.
    this.#open(before).catch(() => undefined)
    return this.#lap
  }

  async #open(file: number): Promise<void> {
    try {
      await (this.#files[file] ??= allocate(this.#options.paths[file]!, this.#fileBytes))
    } catch (error) {
      this.#files[file] = undefined
      throw error
    }
  }

  #reclaim(file: number): Promise<void> {
    const free = (this.#free[file] ??= this.#last.catch(() => undefined).then(() => this.#options.reclaim(file)))
    // What kept it from that may pass: the next who asks has it tried again.
    free.catch(() => {
      if (this.#free[file] === free) this.#free[file] = undefined
    })
    return free
  }

  get #fileBytes(): number {
    return this.#options.fileBytes ?? defaultFileBytes
  }
}

const defaultFileBytes = 16 << 20

function writeWhole(file: number, bytes: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    write(file, bytes, 0, bytes.length, position, (error, written) => {
      if (error !== null) reject(failureOf(error))
      else if (written < bytes.length) reject(failureOf({ code: 'ENOSPC', message: 'only a part of it was written' }))
      else resolve()
    })
  })
}

/** Its blocks are written once, so that they have their places; and the folder, so that it is there after a power cut. */
async function allocate(path: string, fileBytes: number): Promise<number> {
  const { O_CREAT, O_RDWR, O_DSYNC } = constants
  try {
    const file = await openFile(path, O_CREAT | O_RDWR, 0o640)
    try {
      const { size } = await file.stat()
      const zeros = Buffer.alloc(Math.min(1 << 20, fileBytes))
      for (let at = size; at < fileBytes; at += zeros.length)
        await file.write(zeros, 0, Math.min(zeros.length, fileBytes - at), at)
      await file.sync()
    } finally {
      await file.close()
    }
    const folder = await openFile(dirname(path))
    // oxlint-disable-next-line typescript/no-misused-promises -- finally waits for it
    await folder.sync().finally(() => folder.close())
    return await promisify(open)(path, O_RDWR | O_DSYNC)
  } catch (error) {
    throw failureOf(error as NodeJS.ErrnoException)
  }
}

const closeFile = promisify(close)

/** Nothing, where no batch begins: most starts find none, and are not to read 16 MiB for that. */
async function readFilled(path: string): Promise<Buffer> {
  const file = await openIfThere(path)
  if (file === undefined) return Buffer.alloc(0)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(blockBytes), 0, blockBytes, 0)
    return beginsBatch(buffer.subarray(0, bytesRead)) ? await file.readFile() : Buffer.alloc(0)
  } finally {
    await file.close()
  }
}

function failureOf(cause: { code?: string; message: string }): LarderError {
  const isFull = cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
  return new LarderError(isFull ? 'DISK_FULL' : 'DATA_DAMAGED', {
    message: `A delivery could not be written to the journal: ${cause.message}.`,
    hint: isFull
      ? 'Free space on the file system of the data directory, or run `larder gc`; then redeliver.'
      : 'The disk may be failing. Look at the log of the system, and redeliver when it is well.',
    cause,
  })
}
