import { digestFromHex, digestOf, hexOf, type Digest } from '../core/index.ts'
import { compareBytes } from './tree-path.ts'
import type { TreeEntry } from './tree.ts'

/**
 * A run of entries of a tree, as it lies in a blob: a line for each, sorted, with tabs between the fields:
 *
 *     path  size  sha256-hex  s|-  [part-hex:size,part-hex:size…]
 *
 * `s` marks a stable path. The bytes are kept and lines are parsed when asked for: sixty thousand entries are
 * nine megabytes outside of the JavaScript heap.
 */
export class TreeChunk {
  readonly digest: Digest
  readonly bytes: Buffer
  readonly count: number
  /** Sum of entry sizes. */
  readonly sizeBytes: number
  readonly #starts: Uint32Array
  readonly #pathEnds: Uint32Array

  private constructor(bytes: Buffer, digest: Digest, sizeBytes: number) {
    this.bytes = bytes
    this.digest = digest
    this.sizeBytes = sizeBytes
    const starts: number[] = []
    const pathEnds: number[] = []
    for (let start = 0; start < bytes.length; start = bytes.indexOf(newline, start) + 1) {
      starts.push(start)
      pathEnds.push(bytes.indexOf(tab, start))
    }
    this.count = starts.length
    this.#starts = Uint32Array.from(starts)
    this.#pathEnds = Uint32Array.from(pathEnds)
  }

  /** From lines that formatEntry made. */
  static fromText(text: string, sizeBytes: number): TreeChunk {
    const bytes = Buffer.from(text)
    return new TreeChunk(bytes, digestOf(bytes), sizeBytes)
  }

  /** From a blob, whose digest the caller has checked. */
  static fromBlob(bytes: Buffer, digest: Digest, sizeBytes: number): TreeChunk {
    return new TreeChunk(bytes, digest, sizeBytes)
  }

  get firstPath(): Buffer {
    return this.#pathAt(0)
  }

  at(index: number): TreeEntry {
    const start = this.#starts[index]!
    const end = index + 1 < this.count ? this.#starts[index + 1]! : this.bytes.length
    return parseEntry(this.bytes.toString('utf8', start, end - 1))
  }

  find(path: Buffer): TreeEntry | undefined {
    let low = 0
    let high = this.count - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const order = compareBytes(path, this.bytes, this.#starts[middle]!, this.#pathEnds[middle]!)
      if (order === 0) return this.at(middle)
      if (order > 0) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  *entries(): IterableIterator<TreeEntry> {
    for (let index = 0; index < this.count; index++) yield this.at(index)
  }

  #pathAt(index: number): Buffer {
    return this.bytes.subarray(this.#starts[index], this.#pathEnds[index])
  }
}

const newline = 0x0a
const tab = 0x09

export function formatEntry(entry: TreeEntry): string {
  const parts = entry.parts?.map((part) => `${hexOf(part.digest)}:${part.sizeBytes}`).join(',')
  const line = `${entry.path}\t${entry.sizeBytes}\t${hexOf(entry.digest)}\t${entry.stable ? 's' : '-'}`
  return parts === undefined ? `${line}\n` : `${line}\t${parts}\n`
}

function parseEntry(line: string): TreeEntry {
  const [path = '', sizeBytes = '', hex = '', flag, parts] = line.split('\t')
  const entry = { path, sizeBytes: Number(sizeBytes), digest: digestFromHex(hex), stable: flag === 's' }
  return parts === undefined ? entry : { ...entry, parts: parts === '' ? [] : parts.split(',').map(parsePart) }
}

function parsePart(text: string): { digest: Digest; sizeBytes: number } {
  const [hex = '', sizeBytes = ''] = text.split(':')
  return { digest: digestFromHex(hex), sizeBytes: Number(sizeBytes) }
}
