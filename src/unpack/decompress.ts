import { isLarderError, LarderError } from '../core/index.ts'
import { decodeByProcess } from './decode-by-process.ts'
import { decodeByZlib } from './decode-by-zlib.ts'
import { decodeXzByWasm } from './decode-xz-by-wasm.ts'
import { xzCommand } from './xz-command.ts'

export type CompressionFormat = 'plain' | 'xz' | 'zst' | 'gz' | 'bz2'

export interface DecompressOptions {
  /** Hard limit of what comes out: DECOMPRESS_BOMB. */
  maxBytes: number
  /** Signed size of what comes out: more is DECOMPRESS_BOMB, less is DECOMPRESS_FAILED. */
  exactBytes?: number
  signal: AbortSignal
  /** What is unpacked, for messages. */
  label: string
  /**
   * Each chunk is done with when the next is asked for: then its memory is given back at once, and does not wait until so
   * much has gathered that garbage is collected. Default: false.
   */
  isTransient?: boolean
  /** Where programs are looked for. Default: the usual folders. */
  programPath?: string
}

/**
 * Unpacks a stream in bounded memory. xz by the system's `xz`, else by WebAssembly (slower); bz2 by `bzip2`;
 * gz and zst by Node. Input that ends early, or is followed by something else, fails. Stopping early, or an error,
 * leaves no process behind. DECOMPRESS_FAILED, DECOMPRESS_BOMB, TOOL_MISSING (bz2), CANCELLED, and whatever the
 * source throws.
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  format: CompressionFormat,
  options: DecompressOptions,
): AsyncGenerator<Buffer> {
  const limitBytes = Math.min(options.maxBytes, options.exactBytes ?? Infinity)
  let sizeBytes = 0
  for await (const chunk of decode(source, format, options)) {
    if (options.signal.aborted)
      throw new LarderError('CANCELLED', { message: `unpacking ${options.label} was stopped` })
    sizeBytes += chunk.length
    if (sizeBytes > limitBytes) {
      throw new LarderError('DECOMPRESS_BOMB', {
        message: `${options.label} unpacks to more than the ${limitBytes} bytes that were promised or are allowed`,
        context: { limitBytes },
      })
    }
    yield chunk
  }
  if (options.exactBytes !== undefined && sizeBytes < options.exactBytes) {
    throw failed(options.label, `it unpacks to ${sizeBytes} bytes instead of ${options.exactBytes}`)
  }
}

function decode(
  source: AsyncIterable<Uint8Array>,
  format: CompressionFormat,
  options: DecompressOptions,
): AsyncIterable<Buffer> {
  const checked = refuseEmpty(source, options.label)
  const fail = (why: string) => failed(options.label, why)
  switch (format) {
    case 'plain':
      return asBuffers(source)
    case 'gz':
    case 'zst':
      return decodeByZlib(checked, format, { ...options, fail })
    case 'bz2':
      return decodeByProcess(checked, ['bzip2', '-dc'], { ...options, fail })
    case 'xz':
      return decodeXz(checked, { ...options, fail })
  }
}

async function* decodeXz(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions & { fail: (why: string) => LarderError },
): AsyncGenerator<Buffer> {
  try {
    yield* decodeByProcess(source, xzCommand, options)
  } catch (error) {
    // Thrown before anything was read, so the source is whole.
    if (!isLarderError(error, 'TOOL_MISSING')) throw error
    yield* decodeXzByWasm(source, options)
  }
}

function failed(label: string, why: string): LarderError {
  return new LarderError('DECOMPRESS_FAILED', { message: `${label} cannot be unpacked: ${why}` })
}

/** Some decoders take no bytes at all for an empty file. */
async function* refuseEmpty(source: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<Buffer> {
  let isEmpty = true
  for await (const chunk of asBuffers(source)) {
    if (chunk.length === 0) continue
    isEmpty = false
    yield chunk
  }
  if (isEmpty) throw failed(label, 'it is empty')
}

async function* asBuffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }
}
