import { parseTarHeader, type TarHeader } from './tar-header.ts'

export interface TarEntry {
  /** Without `./` before it; `` for the root itself. */
  path: string
  kind: 'file' | 'folder' | 'link' | 'other'
  sizeBytes: number
  /** Only of files for which `keep` was true. */
  content?: Buffer
}

export interface TarOptions {
  /** Whether the content is wanted; asked for plain files only. Default: never. */
  keep?: (path: string) => boolean
  /** Of a kept file. Default: 1 MiB. */
  maxContentBytes?: number
  /** Default: one million. */
  maxEntries?: number
  /** Makes the error to throw. */
  fail: (why: string) => Error
}

/**
 * Entries of a tar stream (ustar, GNU long names, pax paths) in memory bounded by one kept file. Skipped content is
 * only counted. Paths that lead out (`..`) or hold NUL are refused. Source: tar(5).
 */
export function readTar(stream: AsyncIterable<Uint8Array>, options: TarOptions): AsyncGenerator<TarEntry> {
  return readEntries(new StreamBlocks(stream), options)
}

/** Where a tar archive comes from. */
export interface TarBlocks {
  /** Fewer bytes only at the end. */
  take(sizeBytes: number): Promise<Buffer>
  /** False when the end comes before. */
  skip(sizeBytes: number): Promise<boolean>
}

/** As readTar. */
export async function* readEntries(reader: TarBlocks, options: TarOptions): AsyncGenerator<TarEntry> {
  const { fail, maxEntries = 1_000_000 } = options
  let longPath: string | undefined
  let count = 0
  for (let header = await readHeader(reader, fail); header; header = await readHeader(reader, fail)) {
    if (isExtension(header)) {
      if (header.sizeBytes > mostExtensionBytes) throw fail('the tar archive in it has a name that is too long')
      longPath = extendedPath(header, await readContent(reader, header, fail)) ?? longPath
      continue
    }
    if (++count > maxEntries) throw fail(`the tar archive in it has more than ${maxEntries} entries`)
    const entry = entryOf(header, longPath)
    if (entry === undefined) throw fail('the tar archive in it has a path that leads out')
    longPath = undefined
    yield await withContent(reader, { header, entry }, options)
  }
}

/** Undefined at the end of the archive. */
async function readHeader(reader: TarBlocks, fail: TarOptions['fail']): Promise<TarHeader | undefined> {
  const block = await reader.take(blockBytes)
  if (block.length === 0 || isZero(block)) return undefined
  if (block.length < blockBytes) throw fail('the tar archive in it is cut short')
  const header = parseTarHeader(block)
  if (header === undefined) throw fail('the tar archive in it has a damaged header')
  return header
}

async function withContent(
  reader: TarBlocks,
  { header, entry }: { header: TarHeader; entry: TarEntry },
  { fail, keep = () => false, maxContentBytes = 1024 * 1024 }: TarOptions,
): Promise<TarEntry> {
  if (entry.kind === 'file' && keep(entry.path)) {
    if (header.sizeBytes > maxContentBytes) throw fail(`${entry.path} in it is larger than ${maxContentBytes} bytes`)
    return { ...entry, content: await readContent(reader, header, fail) }
  }
  if (!(await reader.skip(padded(header.sizeBytes)))) throw fail('the tar archive in it is cut short')
  return entry
}

const blockBytes = 512
const mostExtensionBytes = 64 * 1024

function entryOf(header: TarHeader, longPath: string | undefined): TarEntry | undefined {
  const path = (longPath ?? header.path).replace(/^(?:\.?\/+)+/, '').replace(/\/+$/, '')
  const normal = path === '.' ? '' : path
  if (normal.includes('\0') || normal.split('/').includes('..')) return undefined
  return { path: normal, kind: kinds[header.type] ?? 'other', sizeBytes: header.sizeBytes }
}

const kinds: Record<string, TarEntry['kind']> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '5': 'folder',
}

/** GNU `L` and `K` (name and link name of the next entry), pax `x` and `g`. */
function isExtension(header: TarHeader): boolean {
  return 'LKxg'.includes(header.type)
}

function extendedPath(header: TarHeader, content: Buffer): string | undefined {
  if (header.type === 'L') return content.toString().replace(/\0.*$/s, '')
  if (header.type !== 'x') return undefined
  return /(?:^|\n)[0-9]+ path=([^\n]*)\n/.exec(content.toString())?.[1]
}

async function readContent(reader: TarBlocks, header: TarHeader, fail: (why: string) => Error): Promise<Buffer> {
  const content = await reader.take(padded(header.sizeBytes))
  if (content.length < padded(header.sizeBytes)) throw fail('the tar archive in it is cut short')
  return content.subarray(0, header.sizeBytes)
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / blockBytes) * blockBytes
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/** Takes from a stream what is asked for, whatever its chunks. */
class StreamBlocks implements TarBlocks {
  readonly #iterator: AsyncIterator<Uint8Array>
  #chunk: Buffer = Buffer.alloc(0)

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#iterator = stream[Symbol.asyncIterator]()
  }

  async take(sizeBytes: number): Promise<Buffer> {
    const taken: Buffer[] = []
    let missing = sizeBytes
    while (missing > 0 && (this.#chunk.length > 0 || (await this.#next()))) {
      const some = this.#chunk.subarray(0, missing)
      this.#chunk = this.#chunk.subarray(some.length)
      taken.push(some)
      missing -= some.length
    }
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken)
  }

  async skip(sizeBytes: number): Promise<boolean> {
    let missing = sizeBytes
    while (missing > 0 && (this.#chunk.length > 0 || (await this.#next()))) {
      const some = Math.min(missing, this.#chunk.length)
      this.#chunk = this.#chunk.subarray(some)
      missing -= some
    }
    return missing === 0
  }

  async #next(): Promise<boolean> {
    const next = await this.#iterator.next()
    if (next.done === true) return false
    const { value } = next
    this.#chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return this.#chunk.length > 0 || (await this.#next())
  }
}
