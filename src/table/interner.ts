import { ByteHeap, Column } from './column.ts'

/** Gives equal byte strings equal numbers, counted from 0, without making JavaScript strings of them. */
export class Interner {
  readonly heap = new ByteHeap()
  /** Where each string starts in the heap; one entry more than there are strings. */
  readonly starts = new Column(Uint32Array)
  private readonly hashes = new Column(Uint32Array)
  /** Open addressing, two numbers a slot: 0 (free) or number + 1, and the hash, which then need not be looked for elsewhere. */
  private slots: Uint32Array

  /** `expected`: so many strings need no more room than is taken at once. */
  constructor(expected = 1 << 16) {
    this.slots = new Uint32Array(4 * 2 ** Math.ceil(Math.log2(Math.max(expected, 16))))
    this.starts.push(0)
  }

  get size(): number {
    return this.hashes.length
  }

  /** The number of a string that is there, or -1. */
  find(bytes: Buffer, start: number, end: number): number {
    const hash = hashOf(bytes, start, end)
    const { slots } = this
    const mask = slots.length - 1
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const found = slots[slot]!
      if (found === 0) return -1
      if (slots[slot + 1] === hash && this.holds(found - 1, bytes, start, end)) return found - 1
    }
  }

  /** The bytes of a string, as `latin1`. */
  text(id: number): string {
    return this.heap.bytes.toString('latin1', this.starts.at(id), this.starts.at(id + 1))
  }

  intern(bytes: Buffer, start: number, end: number): number {
    const hash = hashOf(bytes, start, end)
    const { slots } = this
    const mask = slots.length - 1
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const found = slots[slot]!
      if (found === 0) {
        slots[slot] = this.size + 1
        slots[slot + 1] = hash
        return this.add(bytes, start, end, hash)
      }
      if (slots[slot + 1] === hash && this.holds(found - 1, bytes, start, end)) return found - 1
    }
  }

  private holds(id: number, bytes: Buffer, start: number, end: number): boolean {
    const from = this.starts.at(id)
    if (this.starts.at(id + 1) - from !== end - start) return false
    const heap = this.heap.bytes
    for (let i = start, j = from; i < end; i++, j++) if (bytes[i] !== heap[j]) return false
    return true
  }

  private add(bytes: Buffer, start: number, end: number, hash: number): number {
    const id = this.hashes.length
    this.hashes.push(hash)
    this.heap.append(bytes, start, end)
    this.starts.push(this.heap.length)
    if (this.hashes.length * 4 > this.slots.length) this.rehash()
    return id
  }

  private rehash(): void {
    this.slots = new Uint32Array(this.slots.length * 4)
    const mask = this.slots.length - 1
    for (let id = 0; id < this.hashes.length; id++) {
      const hash = this.hashes.at(id)
      let slot = (hash << 1) & mask
      while (this.slots[slot] !== 0) slot = (slot + 2) & mask
      this.slots[slot] = id + 1
      this.slots[slot + 1] = hash
    }
  }
}

function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  // FNV's low bits alone cluster: the table is indexed by them.
  return (hash ^ (hash >>> 15)) >>> 0
}
