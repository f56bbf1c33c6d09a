import { createHash, type Hash } from 'node:crypto'
import { digestFromHex, type Digest } from '../core/index.ts'
import type { Part } from './piece.ts'

/**
 * Where the checksum of a file stood at every 16th part, so that the checksum of its successor goes on at the last
 * of these places before the first part that differs: half the work, on average. In memory only.
 */
export class RopeHashes {
  readonly #files = new Map<string, Checkpoints>()

  /** `file`: equal for a file and its successors. `read` answers at once when it has the bytes at hand. */
  async digestOf(
    file: string,
    parts: readonly Part[],
    read: (digest: Digest) => Buffer | Promise<Buffer>,
  ): Promise<Digest> {
    const earlier = this.#files.get(file)
    const common = countCommon(earlier?.parts ?? [], parts)
    const states = (earlier?.states ?? []).slice(0, Math.floor(common / stride))
    const hash = states.at(-1)?.copy() ?? createHash('sha256')
    for (let start = states.length * stride; start < parts.length; start += stride) {
      const some = parts.slice(start, start + stride)
      // Reads of what is not at hand overlap; what is at hand waits for nothing.
      const reads = some.map((part) => read(part.digest))
      await Promise.all(reads.filter((bytes) => bytes instanceof Promise))
      for (const bytes of reads) hash.update(bytes instanceof Promise ? await bytes : bytes)
      if (some.length === stride) states.push(hash.copy())
    }
    this.#files.set(file, { parts: parts.map((part) => part.digest), states })
    return digestFromHex(hash.digest('hex'))
  }
}

interface Checkpoints {
  parts: readonly Digest[]
  /** After 16, 32 … parts. */
  states: readonly Hash[]
}

const stride = 16

function countCommon(before: readonly Digest[], after: readonly Part[]): number {
  let count = 0
  while (count < before.length && count < after.length && before[count] === after[count]!.digest) count++
  return count
}
