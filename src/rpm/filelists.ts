import { ByteHeap, scanStream } from '../table/index.ts'
import { FilelistsSieve } from './filelists-sieve.ts'
import { FragmentScanner, type FragmentReader } from './table/fragment-scanner.ts'
import { NameTable } from './table/name-table.ts'
import type { XmlCursor } from './table/xml-cursor.ts'
import { decodeText } from './table/xml-reference.ts'

export interface FindOwnersOptions {
  /** For messages. Default: `filelists.xml`. */
  label?: string
  /** Of the decompressed file. Default: 8 GiB. */
  maxTotalBytes?: number
}

/**
 * Which packages have these files, directories or ghosts, by one pass over a decompressed filelists.xml. Answers for
 * each path that any package has their pkgids, which are the checksums of primary.xml, in the order of the file.
 *
 * @throws RPM_XML_MALFORMED where it is read (see FilelistsSieve), DECOMPRESS_BOMB, and whatever the stream throws
 */
export async function findOwners(
  stream: AsyncIterable<Buffer>,
  paths: ReadonlySet<string>,
  options: FindOwnersOptions = {},
): Promise<Map<string, string[]>> {
  const { label = 'filelists.xml', maxTotalBytes = 8 * 2 ** 30 } = options
  const reader = new FilelistsReader(paths)
  const scanner = new FragmentScanner(reader, { label, root: 'filelists' })
  const sieve = new FilelistsSieve(paths)
  const scan = (bytes: Buffer, at: { offset: number; isLast: boolean }): number =>
    (reader.isInRoot && !at.isLast && sieve.pass(bytes)) || scanner.scan(bytes, at)
  await scanStream(stream, { scan, label, maxTotalBytes })
  return reader.owners
}

const elements = new NameTable(['file'])

class FilelistsReader implements FragmentReader {
  readonly owners = new Map<string, string[]>()
  /** What follows are its children, one after the other. */
  isInRoot = false
  private readonly paths: ReadonlySet<string>
  /** 1 for what a wanted path could be, by its length and some of its letters: nearly all others need no string. */
  private readonly candidates = new Uint8Array(1 << 16)
  private readonly collected = new ByteHeap(4096)
  private isFile = false
  private pkgid = ''
  private found: string[] = []

  constructor(paths: ReadonlySet<string>) {
    this.paths = paths
    for (const path of paths) {
      const bytes = Buffer.from(path)
      this.candidates[traitsOf(bytes, 0, bytes.length)] = 1
    }
  }

  root(): void {
    this.isInRoot = true
  }

  begin(): void {
    this.found = []
    this.pkgid = ''
    this.isFile = false
  }

  open({ attributes, bytes, localStart, nameEnd }: XmlCursor, depth: number): void {
    if (depth === 0) this.pkgid = attributes.value('pkgid')?.toLowerCase() ?? ''
    if (depth !== 1) return
    this.isFile = elements.idOf(bytes, localStart, nameEnd) === 0
    this.collected.length = 0
  }

  text({ bytes, textStart: start, textEnd: end, textHasReference }: XmlCursor, depth: number): void {
    if (depth !== 1 || !this.isFile) return
    if (textHasReference) decodeText(bytes, { start, end }, this.collected)
    else this.collected.append(bytes, start, end)
  }

  close(_: XmlCursor, depth: number): void {
    const { bytes, length } = this.collected
    if (depth !== 1 || !this.isFile || this.candidates[traitsOf(bytes, 0, length)] === 0) return
    const path = bytes.toString('utf8', 0, length)
    if (this.paths.has(path) && !this.found.includes(path)) this.found.push(path)
  }

  end(): void {
    for (const path of this.found) {
      const owners = this.owners.get(path)
      if (owners === undefined) this.owners.set(path, [this.pkgid])
      else owners.push(this.pkgid)
    }
  }
}

function traitsOf(bytes: Buffer, start: number, end: number): number {
  let traits = end - start
  for (let at = end - 1; at >= start && at > end - 6; at--) traits = (traits * 31 + bytes[at]!) & 0xffff
  return traits
}
