type Numbers = Uint32Array | Uint16Array | Float64Array

/** A typed array that grows at its end. */
export class Column<Data extends Numbers> {
  length = 0
  private data: Data
  private readonly Kind: new (length: number) => Data

  constructor(Kind: new (length: number) => Data, capacity = 1024) {
    this.Kind = Kind
    this.data = new Kind(capacity)
  }

  push(value: number): void {
    if (this.length === this.data.length) this.grow()
    this.data[this.length++] = value
  }

  at(position: number): number {
    return this.data[position]!
  }

  /** A view: valid until the next push. */
  values(): Data {
    return this.data.subarray(0, this.length) as Data
  }

  private grow(): void {
    const larger = new this.Kind(this.data.length * 2)
    larger.set(this.data)
    this.data = larger
  }
}

/** Bytes that grow at their end, outside the JavaScript heap. */
export class ByteHeap {
  length = 0
  bytes: Buffer

  constructor(capacityBytes = 65_536) {
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes)
  }

  append(source: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    const { bytes } = this
    let at = this.length
    // Most are names and versions: a call of copy costs more than a few bytes by hand.
    if (end - start > 64) source.copy(bytes, at, start, end)
    else for (let from = start; from < end; from++) bytes[at++] = source[from]!
    this.length += end - start
  }

  /** Makes room for that many bytes more. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + count))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }

  /** Forgets the first bytes and moves the rest to the front. */
  discard(count: number): void {
    this.bytes.copyWithin(0, count, this.length)
    this.length -= count
  }

  /** A view: valid until the next change. */
  values(): Buffer {
    return this.bytes.subarray(0, this.length)
  }
}
