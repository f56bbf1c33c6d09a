import type { LarderError } from '../core/index.ts'

/**
 * The same bytes, cut wherever a frame ends: Node's decoder goes on with the next frame when it is given it by itself,
 * and stops without a word when it is given the end of one with the begin of another. Calls `fail` for what follows a
 * frame and is none; whether frames are whole is for the decoder to say. Source: RFC 8878, section 3.1 ("Frames").
 */
export async function* cutAtFrames(
  source: AsyncIterable<Uint8Array>,
  fail: (why: string) => LarderError,
): AsyncGenerator<Uint8Array> {
  const walk = new FrameWalk(fail)
  for await (const chunk of source) {
    let start = 0
    while (start < chunk.length) {
      const end = walk.advance(chunk, start)
      yield chunk.subarray(start, end)
      start = end
    }
  }
}

const zstdMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const rleBlock = 1

/** What a header says of what comes after it; each is looked at as soon as its bytes are there. */
type Header = 'magic' | 'skippable' | 'descriptor' | 'block'
const headerBytes: Readonly<Record<Header, number>> = { magic: 4, skippable: 4, descriptor: 1, block: 3 }

class FrameWalk {
  readonly #fail: (why: string) => LarderError
  #next: Header = 'magic'
  /** Bytes of the header that is being read, least significant first, and how many there are. */
  #value = 0
  #count = 0
  /** Bytes that are passed over before the next header. */
  #skip = 0
  #hasChecksum = false
  #frames = 0

  constructor(fail: (why: string) => LarderError) {
    this.#fail = fail
  }

  /** Where the frame ends, or the chunk if that is sooner. */
  advance(chunk: Uint8Array, start: number): number {
    let at = start
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at)
        this.#skip -= passed
        at += passed
      } else {
        this.#value += chunk[at]! * 2 ** (8 * this.#count++)
        at++
        if (this.#count === headerBytes[this.#next]) this.#read()
      }
      if (this.#isAtEnd()) return at
    }
    return at
  }

  #isAtEnd(): boolean {
    return this.#next === 'magic' && this.#count === 0 && this.#skip === 0
  }

  #read(): void {
    const value = this.#value
    this.#value = 0
    this.#count = 0
    if (this.#next === 'magic') this.#readMagic(value)
    else if (this.#next === 'skippable') this.#expect('magic', value)
    else if (this.#next === 'descriptor') this.#readDescriptor(value)
    else this.#readBlock(value)
  }

  #expect(next: Header, skip: number): void {
    this.#next = next
    this.#skip = skip
  }

  #readMagic(magic: number): void {
    if (magic === zstdMagic) this.#expect('descriptor', 0)
    else if (magic >= skippableMagic && magic < skippableMagic + 16) this.#expect('skippable', 0)
    else if (this.#frames === 0) throw this.#fail('it is not zstd')
    else throw this.#fail('something follows the end of the compressed data')
    this.#frames++
  }

  /** Section 3.1.1.1.1. */
  #readDescriptor(descriptor: number): void {
    const isSingleSegment = (descriptor & 0x20) !== 0
    const contentSizeFlag = descriptor >> 6
    const contentSizeBytes = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
    this.#hasChecksum = (descriptor & 4) !== 0
    this.#expect('block', (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes)
  }

  /** Section 3.1.1.2. */
  #readBlock(block: number): void {
    const isLast = (block & 1) !== 0
    const contentBytes = ((block >> 1) & 3) === rleBlock ? 1 : block >> 3
    if (isLast) this.#expect('magic', contentBytes + (this.#hasChecksum ? 4 : 0))
    else this.#expect('block', contentBytes)
  }
}
