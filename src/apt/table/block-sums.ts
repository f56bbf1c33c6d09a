import { crc32 } from 'node:zlib'
import { Column } from '../../table/index.ts'
import { blockBytes, type IndexData } from './table-layout.ts'

/** CRC-32 of each block of a text that comes in pieces. */
export class BlockSums {
  private readonly sums = new Column(Uint32Array)
  private crc = 0
  private filledBytes = 0

  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(at + blockBytes - this.filledBytes, bytes.length)
      this.crc = crc32(bytes.subarray(at, end), this.crc)
      this.filledBytes += end - at
      if (this.filledBytes === blockBytes) this.close()
      at = end
    }
  }

  /** The last block may be shorter. */
  finish(): IndexData['columns']['blockCrc'] {
    if (this.filledBytes > 0) this.close()
    return this.sums.values()
  }

  private close(): void {
    this.sums.push(this.crc)
    this.crc = 0
    this.filledBytes = 0
  }
}
