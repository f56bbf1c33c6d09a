import { scanStream, writeTableFile } from '../table/index.ts'
import { PackageIndex } from './package-index.ts'
import { FragmentScanner } from './table/fragment-scanner.ts'
import { primaryLayout, type PrimaryHeader } from './table/primary-layout.ts'
import { PrimaryReader } from './table/primary-reader.ts'
import { PrimaryTable } from './table/primary-table.ts'

export interface CompileOptions {
  /** Cache folder: `<folder>/<key>.primary` is made in it. It may be emptied at any time that nobody has it open. */
  folder: string
  /** Identity of the source: the hex digest of the metadata file that was promised. `[0-9A-Za-z._-]`. */
  key: string
  /** For messages: `upstream rocky-base`. */
  label: string
  /** Of one package. Default: 64 MiB. */
  maxPackageBytes?: number
  /** Of the decompressed file. Default: 2 GiB, and never more than 4. */
  maxTotalBytes?: number
}

const gibibyte = 2 ** 30

/**
 * Compiles a decompressed primary.xml into a file of the cache folder and opens it. The text is kept byte for byte; the
 * table over it loads in milliseconds.
 *
 * Packages that cannot be used (no name, malformed version, size or checksum; a location that leads out) are left out
 * and listed in `excluded`: one bad record of a third party does not take the whole upstream away. What is no XML at
 * all is an error, since nothing in it can be trusted to be where it seems.
 *
 * @throws RPM_XML_MALFORMED, DECOMPRESS_BOMB above `maxTotalBytes`, and whatever the stream throws
 */
export async function compilePrimary(stream: AsyncIterable<Buffer>, options: CompileOptions): Promise<PackageIndex> {
  const { folder, key, label } = options
  await writeTableFile(primaryLayout, { folder, key }, async (writeText) => {
    const table = new PrimaryTable()
    const reader = new PrimaryReader(table)
    const scanner = new FragmentScanner(reader, {
      label,
      root: 'metadata',
      ...(options.maxPackageBytes === undefined ? {} : { maxFragmentBytes: options.maxPackageBytes }),
    })
    const maxTotalBytes = Math.min(options.maxTotalBytes ?? 2 * gibibyte, 4 * gibibyte - 1)
    await scanStream(stream, { scan: (bytes, at) => scanner.scan(bytes, at), write: writeText, label, maxTotalBytes })
    return { ...table.finish(), header: headerOf(label, table, reader) }
  })
  const index = PackageIndex.open(folder, key)
  if (index === undefined) throw new Error(`The index that was just compiled cannot be opened: ${key}`)
  return index
}

/** Opens the compiled index, or compiles it when there is none, or only a damaged one, or one of an older Larder. */
export async function openPrimary(read: () => AsyncIterable<Buffer>, options: CompileOptions): Promise<PackageIndex> {
  return PackageIndex.open(options.folder, options.key) ?? (await compilePrimary(read(), options))
}

function headerOf(label: string, table: PrimaryTable, { declaredCount, namespaces }: PrimaryReader): PrimaryHeader {
  const { rowCount, excludedCount, excluded } = table
  const count = rowCount + excludedCount
  const isOdd = declaredCount !== undefined && declaredCount !== count
  const notes = isOdd ? [`${label}: primary.xml announces ${declaredCount} packages and has ${count}`] : []
  return { label, rowCount, excludedCount, excluded, notes, namespaces }
}
