import { crc32 } from 'node:zlib'
import { TableFile } from '../table/index.ts'
import { readFields, type StanzaFields } from './table/stanza-fields.ts'
import { blockBytes, indexLayout } from './table/table-layout.ts'
import type { Excluded, IndexData, IndexHeader, IndexKind } from './table/table-layout.ts'

/**
 * A compiled Packages or Sources index. The table lies in one buffer outside the JavaScript heap; the text stays on
 * disk and is read stanza by stanza. Rows are numbered from 0 in the order of the index.
 */
export class PackageIndex {
  readonly kind: IndexKind
  readonly key: string
  readonly label: string
  readonly rowCount: number
  readonly columns: IndexData['columns']
  readonly heaps: IndexData['heaps']
  /** Entries that are not used: how many, and the first of them. */
  readonly excludedCount: number
  readonly excluded: readonly Excluded[]
  private readonly table: TableFile<typeof indexLayout.columns, (typeof indexLayout.heaps)[number]>
  /** What was read last: whole blocks. */
  private scratch = Buffer.allocUnsafeSlow(4 * blockBytes)

  /** Undefined when there is none, or one that is damaged or of another layout: compile it anew. */
  static open(folder: string, key: string): PackageIndex | undefined {
    const table = TableFile.open(indexLayout, { folder, key })
    return table && new PackageIndex(key, table)
  }

  private constructor(key: string, table: PackageIndex['table']) {
    const header = table.header as IndexHeader
    this.key = key
    this.kind = header.kind
    this.label = header.label
    this.rowCount = header.rowCount
    this.excludedCount = header.excludedCount
    this.excluded = header.excluded
    this.columns = table.columns
    this.heaps = table.heaps
    this.table = table
  }

  word(id: number): string {
    const start = this.columns.wordStart
    return this.heaps.words.toString('latin1', start[id], start[id + 1])
  }

  /** One provided name, as it stands between two commas: `mail-transport-agent (= 3)`. */
  provided(entry: number): string {
    const start = this.columns.provideStart
    return this.heaps.provides.toString('latin1', start[entry], start[entry + 1])
  }

  /** Whether some of the text could not be read: what is loaded next is not to be taken from here. */
  get isDamaged(): boolean {
    return this.table.isDamaged
  }

  /**
   * The bytes of a stanza as the upstream wrote them, without the empty line that ends it.
   *
   * @throws CACHE_DAMAGED after removing the file: what is tried again compiles it anew
   */
  stanza(row: number): Buffer {
    return Buffer.from(this.stanzaView(row))
  }

  /** As stanza, valid until the next is read. */
  stanzaView(row: number): Buffer {
    const offset = this.columns.offset[row]!
    const end = offset + this.columns.length[row]!
    const firstBlock = Math.floor(offset / blockBytes)
    const start = firstBlock * blockBytes
    const readBytes = Math.min(Math.ceil(end / blockBytes) * blockBytes, this.table.textBytes) - start
    if (readBytes > this.scratch.length) this.scratch = Buffer.allocUnsafeSlow(readBytes)
    const blocks = this.scratch.subarray(0, readBytes)
    if (!this.table.readInto(blocks, start) || !this.isSound(blocks, firstBlock))
      this.table.failDamaged({ offset, label: this.label })
    return blocks.subarray(offset - start, end - start)
  }

  /** @throws CACHE_DAMAGED as stanza does */
  fields(row: number): StanzaFields {
    return readFields(this.stanzaView(row))
  }

  private isSound(blocks: Buffer, firstBlock: number): boolean {
    const { blockCrc } = this.columns
    for (let at = 0, block = firstBlock; at < blocks.length; at += blockBytes, block++)
      if (crc32(blocks.subarray(at, at + blockBytes)) !== blockCrc[block]) return false
    return true
  }

  /** Stanzas can no longer be read, and what is told by them is no longer known. */
  close(): void {
    this.table.close()
  }
}
