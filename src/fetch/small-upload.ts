import { createHash, type Hash } from 'node:crypto'
import { digestFromHex, LarderError, type Digest } from '../core/index.ts'
import type { Expectation, Upload } from '../store/index.ts'
import type { Arrival } from './write-batcher.ts'

/** Files up to this size are held in memory until they are whole, and made durable together with others. */
export const smallBytes = 512 * 1024

/**
 * An upload that lives in memory: for small files, where making each durable by itself would take longer than
 * transferring it. It is lost with the process, which costs at most `smallBytes` again.
 */
export class SmallUpload implements Upload {
  readonly #arrival: Pick<Arrival, 'write'>
  #chunks: Uint8Array[] = []
  #sizeBytes = 0
  #sha256: Hash = createHash('sha256')
  #tag = ''
  readonly #inspect: ((bytes: Buffer) => Promise<void>) | undefined

  /** `inspect`: see FetchAllOptions. */
  constructor(arrival: Pick<Arrival, 'write'>, inspect?: (bytes: Buffer) => Promise<void>) {
    this.#arrival = arrival
    this.#inspect = inspect
  }

  get offsetBytes(): number {
    return this.#sizeBytes
  }

  get tag(): string {
    return this.#tag
  }

  restart(tag: string): Promise<void> {
    this.#chunks = []
    this.#sizeBytes = 0
    this.#sha256 = createHash('sha256')
    this.#tag = tag
    return Promise.resolve()
  }

  append(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk)
    this.#sizeBytes += chunk.length
    this.#sha256.update(chunk)
    return Promise.resolve()
  }

  async commit(expected: Expectation): Promise<{ digest: Digest; sizeBytes: number }> {
    const bytes = Buffer.concat(this.#chunks)
    const sha256 = this.#sha256.digest('hex')
    await this.abort()
    check(bytes, sha256, expected)
    const digest = digestFromHex(sha256)
    const ended = await Promise.allSettled([this.#arrival.write(bytes, digest), this.#inspect?.(bytes)])
    for (const end of ended) if (end.status === 'rejected') throw end.reason
    return { digest, sizeBytes: bytes.length }
  }

  suspend(): Promise<void> {
    return Promise.resolve()
  }

  abort(): Promise<void> {
    return this.restart('')
  }
}

function check(bytes: Buffer, sha256: string, expected: Expectation): void {
  if (expected.sizeBytes !== undefined && expected.sizeBytes !== bytes.length) {
    throw new LarderError('SIZE_MISMATCH', {
      message: `${bytes.length} bytes arrived, ${expected.sizeBytes} were promised`,
    })
  }
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const promised = expected[algorithm]
    if (promised === undefined) continue
    const actual = algorithm === 'sha256' ? sha256 : createHash(algorithm).update(bytes).digest('hex')
    if (actual === promised.toLowerCase()) continue
    throw new LarderError('DIGEST_MISMATCH', {
      message: `the bytes that arrived have ${algorithm} ${actual}, ${promised} was promised`,
      context: { algorithm, actual, promised },
    })
  }
}
