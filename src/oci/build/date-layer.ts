import { Transform, type TransformCallback } from 'node:stream'

const blockBytes = 512
const sizeField = 124
const timeField = 136
const sumField = 148
const fieldBytes = 12

/**
 * Dates every entry of a tar archive that passes through; all other bytes stay as they are, so that whatever a writer
 * has put into extended headers is kept. Source: tar(5), ustar and GNU formats.
 */
export function dateLayer(date: Date): Transform {
  return new LayerDater(date)
}

class LayerDater extends Transform {
  readonly #time: string
  #held: Buffer = Buffer.alloc(0)
  /** Blocks of content that come before the next header. */
  #contentBytes = 0

  constructor(date: Date) {
    super()
    this.#time = `${Math.floor(date.getTime() / 1000)
      .toString(8)
      .padStart(fieldBytes - 1, '0')}\0`
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    let bytes: Buffer = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    while (bytes.length > 0) {
      if (this.#contentBytes > 0) {
        const some = bytes.subarray(0, this.#contentBytes)
        this.push(some)
        this.#contentBytes -= some.length
        bytes = bytes.subarray(some.length)
      } else if (bytes.length < blockBytes) {
        break
      } else {
        this.push(this.#dated(bytes.subarray(0, blockBytes)))
        bytes = bytes.subarray(blockBytes)
      }
    }
    this.#held = bytes
    done()
  }

  override _flush(done: TransformCallback): void {
    done(this.#contentBytes > 0 || this.#held.length > 0 ? new Error('The archive of a layer ends too early.') : null)
  }

  #dated(block: Buffer): Buffer {
    // Zeros: the end of the archive.
    if (block.every((byte) => byte === 0)) return block
    const header = Buffer.from(block)
    this.#contentBytes = Math.ceil(sizeOf(header) / blockBytes) * blockBytes
    header.write(this.#time, timeField, 'latin1')
    header.fill(' ', sumField, sumField + 8)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, sumField, 'latin1')
    return header
  }
}

/** Octal digits; or a binary number, for files from 8 GiB. */
function sizeOf(header: Buffer): number {
  const field = header.subarray(sizeField, sizeField + fieldBytes)
  if ((field[0]! & 0x80) === 0) return Number.parseInt(field.toString('latin1').replaceAll('\0', ' ').trim() || '0', 8)
  return field.subarray(4).reduce((total, byte) => total * 256 + byte, 0)
}
