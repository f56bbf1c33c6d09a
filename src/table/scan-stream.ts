import { LarderError } from '../core/index.ts'
import { ByteHeap } from './column.ts'

export interface ScanStreamOptions {
  /**
   * Reads what it can of `bytes`, which lie at `offset` in the stream, and answers how many of them are done with. The
   * rest is given again with more behind it, or with `isLast` at the end.
   */
  scan: (bytes: Buffer, at: { offset: number; isLast: boolean }) => number
  /** Takes what is done with, in large parts. */
  write?: (bytes: Buffer) => Promise<void>
  /** For messages. */
  label: string
  maxTotalBytes: number
}

/** Small enough not to hold up other work, nor the program that unpacks: a pipe holds no more than this. */
const scanBytes = 1 << 17
/** Large enough that writing costs little. */
const writeBytes = 1 << 20

/**
 * Gives a stream to a scanner in parts, and what was scanned to a writer. What a scanner leaves is given again only when
 * there is twice as much of it: the whole stays linear, however large one record is.
 *
 * @throws DECOMPRESS_BOMB above `maxTotalBytes`, and whatever the stream and the scanner throw
 */
export async function scanStream(stream: AsyncIterable<Buffer>, options: ScanStreamOptions): Promise<void> {
  const { scan, write, label, maxTotalBytes } = options
  const pending = new ByteHeap(2 * writeBytes)
  let offset = 0
  /** Of what is pending. */
  let scanned = 0
  let wanted = scanBytes
  const step = async (isLast: boolean): Promise<void> => {
    scanned += scan(pending.bytes.subarray(scanned, pending.length), { offset: offset + scanned, isLast })
    wanted = Math.max(scanBytes, 2 * (pending.length - scanned))
    if (scanned < writeBytes && !isLast) return
    await write?.(pending.bytes.subarray(0, scanned))
    offset += scanned
    pending.discard(scanned)
    scanned = 0
  }
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const part = Math.min(chunk.length - at, scanBytes)
      if (offset + pending.length + part > maxTotalBytes) throw tooLarge(label, maxTotalBytes)
      pending.append(chunk, at, at + part)
      at += part
      if (pending.length - scanned >= wanted) await step(false)
    }
  }
  await step(true)
}

function tooLarge(label: string, maxTotalBytes: number): LarderError {
  return new LarderError('DECOMPRESS_BOMB', {
    message: `${label} is larger than ${maxTotalBytes} bytes when it is unpacked.`,
    context: { label, maxTotalBytes },
  })
}
