import { createHash } from 'node:crypto'
import { LarderError, type Digest } from '../core/index.ts'
import type { Expectation, Upload } from '../store/index.ts'

/** Files up to this size are held in memory until they are whole, and made durable together with others. */
export const smallBytes = 512 * 1024

/**
 * An upload that lives in memory: for small files, where making each durable by itself would take longer than
 * transferring it. It is lost with the process, which costs at most `smallBytes` again.
 */
export class SmallUpload implements Upload {
  readonly #write: (bytes: Buffer) => Promise<Digest>
  #chunks: Uint8Array[] = []
  #sizeBytes = 0
  #tag = ''

  constructor(write: (bytes: Buffer) => Promise<Digest>) {
    this.#write = write
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
    this.#tag = tag
    return Promise.resolve()
  }

  append(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk)
    this.#sizeBytes += chunk.length
    return Promise.resolve()
  }

  async commit(expected: Expectation): Promise<{ digest: Digest; sizeBytes: number }> {
    const bytes = Buffer.concat(this.#chunks)
    await this.abort()
    check(bytes, expected)
    return { digest: await this.#write(bytes), sizeBytes: bytes.length }
  }

  suspend(): Promise<void> {
    return Promise.resolve()
  }

  abort(): Promise<void> {
    return this.restart('')
  }
}

function check(bytes: Buffer, expected: Expectation): void {
  if (expected.sizeBytes !== undefined && expected.sizeBytes !== bytes.length) {
    throw new LarderError('SIZE_MISMATCH', {
      message: `${bytes.length} bytes arrived, ${expected.sizeBytes} were promised`,
    })
  }
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const promised = expected[algorithm]
    if (promised === undefined) continue
    const actual = createHash(algorithm).update(bytes).digest('hex')
    if (actual === promised.toLowerCase()) continue
    throw new LarderError('DIGEST_MISMATCH', {
      message: `the bytes that arrived have ${algorithm} ${actual}, ${promised} was promised`,
      context: { algorithm, actual, promised },
    })
  }
}
