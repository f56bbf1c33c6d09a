import { recordBytes } from './description-records.ts'

/** Records of descriptions, found by their checksum. */
export class RecordTable {
  readonly #records: Buffer
  /** Open addressing by the first 32 bits of the checksum: 0 (free) or number of the record + 1. */
  readonly #slots: Uint32Array

  constructor(records: Buffer) {
    this.#records = records
    const count = records.length / recordBytes
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2 * count, 2))))
    const mask = slots.length - 1
    for (let record = 0; record < count; record++) {
      let slot = hashAt(records, record * recordBytes) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = record + 1
    }
    this.#slots = slots
  }

  /** Places of the stanzas with that checksum, in the order of the text. */
  *find(md5: Buffer): Generator<{ offset: number; length: number }> {
    const mask = this.#slots.length - 1
    for (let slot = hashAt(md5, 0) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const start = (this.#slots[slot]! - 1) * recordBytes
      if (this.#records.compare(md5, 0, 16, start, start + 16) !== 0) continue
      yield { offset: this.#records.readUInt32LE(start + 16), length: this.#records.readUInt32LE(start + 20) }
    }
  }
}

/** A checksum is a good hash as it is. */
function hashAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
