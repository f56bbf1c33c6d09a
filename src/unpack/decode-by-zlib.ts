import { createGunzip, createZstdDecompress } from 'node:zlib'
import { freeMemory, LarderError } from '../core/index.ts'
import { feed } from './feed.ts'
import { cutAtFrames } from './zstd-frames.ts'

/** Unpacks gzip and zstd, also of several members or frames, inside this process. */
export async function* decodeByZlib(
  source: AsyncIterable<Uint8Array>,
  format: 'gz' | 'zst',
  options: { signal: AbortSignal; isTransient?: boolean; fail: (why: string) => LarderError },
): AsyncGenerator<Buffer> {
  const decoder =
    format === 'gz' ? createGunzip({ chunkSize: 256 * 1024 }) : createZstdDecompress({ chunkSize: 256 * 1024 })
  const stop = () => decoder.destroy(new LarderError('CANCELLED', { message: 'unpacking was stopped' }))
  options.signal.addEventListener('abort', stop, { once: true })
  const input = { sizeBytes: 0 }
  const frames = format === 'gz' ? source : cutAtFrames(source, options.fail)
  const feeding = feed(count(frames, input), decoder).catch((thrown: unknown) => {
    decoder.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
  })
  try {
    for await (const chunk of decoder) {
      yield chunk as Buffer
      if (options.isTransient === true) giveBack(chunk as Buffer)
    }
    await feeding
    // Node stops at what is no further member without a word.
    if (decoder.bytesWritten < input.sizeBytes) throw options.fail('something follows the end of the compressed data')
  } catch (error) {
    throw isZlibError(error) ? options.fail((error as Error).message) : error
  } finally {
    options.signal.removeEventListener('abort', stop)
    decoder.destroy()
  }
}

/** The decoder fills a buffer with one chunk or several, and takes another when it is full: so the last of it is its end. */
function giveBack(chunk: Buffer): void {
  if (chunk.byteOffset + chunk.byteLength === chunk.buffer.byteLength) freeMemory(chunk)
}

async function* count(source: AsyncIterable<Uint8Array>, input: { sizeBytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    input.sizeBytes += chunk.length
    yield chunk
  }
}

function isZlibError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(Z_|ZSTD_|ERR_ZLIB)/.test(error.code)
  )
}
