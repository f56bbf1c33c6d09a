import { freeMemory, ioBuffer } from '../../../core/index.ts'
import type { ByteRange } from './byte-range.ts'

/** A part of a file in memory; to be released once. */
export interface Chunk {
  /** Fewer than asked for where the file ends, or a step does. */
  readonly bytes: Buffer
  /** `reusable: false` when somebody may still be reading its memory. */
  release(reusable: boolean): void
}

/** A file whose content never changes. */
export interface ChunkSource {
  /** Its path: whoever sends the same file shares what is read. */
  key: string
  /** Fills the buffer from a position of the file, as far as that goes. Answers with the bytes. */
  read(into: Buffer, position: number): Promise<number>
}

/**
 * Files in steps of half a MiB, each read once for all who are sending it at the time: clients that fetch the same file
 * together stay together, since who is ahead waits for the disk and who follows does not. Measured on loopback, eight
 * clients and 512 MiB: half the processor time of a read for each.
 *
 * Memory is bounded: `most` steps, in use or not, of which a dozen at most stay for a second or two after the last use of any,
 * and 128 KiB at a time for each transfer beyond that.
 */
export class SharedChunks {
  readonly #most: number
  readonly #steps = new Map<string, Step>()
  /** Those that nobody uses, the oldest first. */
  readonly #idle = new Set<Step>()
  readonly #free: Buffer[] = []
  #forgetting: NodeJS.Timeout | undefined
  #inMemory = 0
  #wasUsed = false

  constructor(most = 16) {
    this.#most = most
  }

  /** What `wanted` begins with. What reading throws. */
  async take(source: ChunkSource, wanted: ByteRange): Promise<Chunk> {
    this.#wasUsed = true
    const index = Math.floor(wanted.start / stepBytes)
    const [start, end] = [wanted.start - index * stepBytes, Math.min(stepBytes, wanted.end - index * stepBytes)]
    const key = `${index} ${source.key}`
    const step = this.#steps.get(key) ?? (end - start < stepBytes / 4 ? undefined : this.#begin(source, key, index))
    if (step === undefined) return readApart(source, wanted)
    step.users++
    this.#idle.delete(step)
    try {
      const filledBytes = await step.filledBytes
      const bytes = step.memory.subarray(start, Math.max(start, Math.min(end, filledBytes)))
      return { bytes, release: (reusable) => this.#release(step, reusable) }
    } catch (error) {
      this.#steps.delete(key)
      this.#release(step, true)
      throw error
    }
  }

  /** Undefined when there are enough in memory already. */
  #begin(source: ChunkSource, key: string, index: number): Step | undefined {
    if (this.#idle.size >= mostIdle || this.#inMemory >= this.#most) this.#dropOldest()
    if (this.#inMemory >= this.#most) return undefined
    this.#inMemory++
    const memory = this.#free.pop() ?? ioBuffer(stepBytes)
    const filledBytes = source.read(memory, index * stepBytes)
    const step: Step = { key, memory, filledBytes, users: 0, isReusable: true }
    this.#steps.set(key, step)
    return step
  }

  #release(step: Step, reusable: boolean): void {
    step.isReusable &&= reusable
    if (--step.users > 0) return
    this.#idle.add(step)
    if (this.#steps.get(step.key) !== step) this.#drop(step)
    else if (this.#idle.size > mostIdle) this.#dropOldest()
    this.#forgetting ??= setInterval(() => this.#forget(), keptMs).unref()
  }

  /** All that nobody uses, once nothing is sent: a file that was damaged may have been replaced. */
  #forget(): void {
    if (this.#wasUsed) {
      this.#wasUsed = false
      return
    }
    clearInterval(this.#forgetting)
    this.#forgetting = undefined
    for (const step of this.#idle) this.#drop(step)
    // At once: left to the garbage collector, they would stay for a long time.
    for (const memory of this.#free.splice(0)) freeMemory(memory)
  }

  #dropOldest(): void {
    const [oldest] = this.#idle
    if (oldest !== undefined) this.#drop(oldest)
  }

  #drop(step: Step): void {
    this.#idle.delete(step)
    if (this.#steps.get(step.key) === step) this.#steps.delete(step.key)
    this.#inMemory--
    if (!step.isReusable) return
    const isWanted = this.#free.length < mostIdle && this.#inMemory + this.#free.length < this.#most
    if (isWanted) this.#free.push(step.memory)
    else freeMemory(step.memory)
  }
}

interface Step {
  readonly key: string
  readonly memory: Buffer
  readonly filledBytes: Promise<number>
  users: number
  isReusable: boolean
}

async function readApart(source: ChunkSource, { start, end }: ByteRange): Promise<Chunk> {
  const memory = ioBuffer(Math.min(apartBytes, end - start))
  const filledBytes = await source.read(memory, start)
  return { bytes: memory.subarray(0, filledBytes), release: () => undefined }
}

const stepBytes = 524_288
const apartBytes = 131_072
const mostIdle = 6
const keptMs = 1000
