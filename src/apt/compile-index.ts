import { scanStream, writeTableFile } from '../table/index.ts'
import { PackageIndex } from './package-index.ts'
import { BlockSums } from './table/block-sums.ts'
import { StanzaScanner } from './table/scan-stanzas.ts'
import { TableBuilder } from './table/table-builder.ts'
import { indexLayout, type IndexHeader, type IndexKind } from './table/table-layout.ts'

export interface CompileOptions {
  /** Cache folder: `<folder>/<key>.index` is made in it. It may be emptied at any time that nobody has it open. */
  folder: string
  /** Identity of the source: the hex digest of the index file that was promised. `[0-9A-Za-z._-]`. */
  key: string
  kind: IndexKind
  /** For messages: `upstream debian, bookworm/main amd64`. */
  label: string
  /** Default: 8 MiB, Debian's largest is 60 kB. */
  maxStanzaBytes?: number
  /** Of the decompressed index. Default: 2 GiB. */
  maxTotalBytes?: number
}

/**
 * Compiles a decompressed Packages or Sources index into a file of the cache folder and opens it. The text is kept
 * byte for byte; the table over it loads in milliseconds. Written beside its place, then renamed.
 *
 * Entries that cannot be used (malformed name, version, size or hash; a Filename that leads out) are left out and
 * listed in `excluded`: one bad entry of a third party does not take the whole upstream away. What is no control file
 * at all is an error, since nothing in it can be trusted to be where it seems.
 *
 * @throws APT_STANZA_MALFORMED, DECOMPRESS_BOMB above `maxTotalBytes`
 */
export async function compileIndex(stream: AsyncIterable<Buffer>, options: CompileOptions): Promise<PackageIndex> {
  const { folder, key, kind, label, maxStanzaBytes = 8 * mebibyte, maxTotalBytes = 2048 * mebibyte } = options
  await writeTableFile(indexLayout, { folder, key }, async (writeText) => {
    const builder = new TableBuilder(kind)
    const sums = new BlockSums()
    let offset = 0
    const scanner = new StanzaScanner({ label, maxStanzaBytes, onStanza: (stanza) => builder.add(stanza, offset) })
    const scan = (bytes: Buffer, at: { offset: number; isLast: boolean }): number => {
      offset = at.offset
      return scanner.scan(bytes, at.isLast)
    }
    const write = async (bytes: Buffer): Promise<void> => {
      sums.add(bytes)
      await writeText(bytes)
    }
    await scanStream(stream, { scan, write, label, maxTotalBytes })
    const { columns, heaps } = builder.finish()
    return { columns: { ...columns, blockCrc: sums.finish() }, heaps, header: headerOf(builder, { kind, label }) }
  })
  const index = PackageIndex.open(folder, key)
  if (index === undefined) throw new Error(`The index that was just compiled cannot be opened: ${key}`)
  return index
}

const mebibyte = 1 << 20

function headerOf(
  { rowCount, excludedCount, excluded }: TableBuilder,
  { kind, label }: Pick<IndexHeader, 'kind' | 'label'>,
): IndexHeader {
  return { kind, label, rowCount, excludedCount, excluded }
}
