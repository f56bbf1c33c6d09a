import { isLarderError, LarderError } from '../../../core/index.ts'
import { decompress, type CompressionFormat } from '../../../unpack/index.ts'
import type { Descriptor } from '../../descriptor.ts'
import { TarError } from '../../disk-image/source/tar-error.ts'
import { readTar, type TarEntry } from '../../disk-image/source/tar.ts'
import { streamContent, unreadable, type ImageSource } from '../content.ts'
import { HeldTree } from './held-tree.ts'
import { fileKindOf, maxFileBytes, type FileKind } from './package-files.ts'
import { Spool, type Content } from './spool.ts'

export interface PackageFile {
  path: string
  kind: FileKind
  /** Digest of the layer that it is from. */
  layer: string
  content: Content
}

export interface ReadOptions {
  /** Exists and is empty; the caller removes it. */
  spoolFolder: string
  signal: AbortSignal
  /** Of a layer, unpacked. Default 64 GiB. */
  maxLayerBytes?: number
  /** Of a layer. Default 5,000,000. */
  maxEntries?: number
  /** Files that tell of packages. Default 200,000. */
  maxFiles?: number
}

/**
 * The files of an image that tell of packages, as a container sees them: what layers above hide or replace is left out.
 * Names that lead out of the root are passed over, for nothing is ever written by its name. Source: OCI image-spec,
 * layer.md. OCI_IMAGE_UNREADABLE, CANCELLED, DECOMPRESS_FAILED, DECOMPRESS_BOMB.
 */
export async function readPackageFiles(
  source: ImageSource,
  layers: readonly Descriptor[],
  options: ReadOptions,
): Promise<{ files: PackageFile[]; notes: string[] }> {
  const reading: Reading = {
    options,
    tree: new HeldTree(),
    spool: new Spool(options.spoolFolder),
    notes: new Set(),
    fileCount: 0,
  }
  for (const [index, descriptor] of layers.entries()) {
    const layer = { source, descriptor, number: index + 1 }
    const links: HardLink[] = []
    await eachEntry(layer, reading, (entry, path) => takeEntry(entry, path, { layer, reading, links }))
    if (links.length > 0) await followLinks(links, layer, reading)
  }
  return { files: [...reading.tree.values()], notes: [...reading.notes] }
}

interface Reading {
  options: ReadOptions
  tree: HeldTree<PackageFile>
  spool: Spool
  notes: Set<string>
  fileCount: number
}

interface Layer {
  source: ImageSource
  descriptor: Descriptor
  /** Counted from 1; what is below is older. */
  number: number
}

interface HardLink {
  path: string
  kind: FileKind
  target: string
}

async function eachEntry(
  { source, descriptor }: Layer,
  { options, notes }: Reading,
  take: (entry: TarEntry, path: string) => Promise<void>,
): Promise<void> {
  const { signal, maxLayerBytes = 64 * 1024 ** 3, maxEntries = 5_000_000 } = options
  const label = `layer ${descriptor.digest}`
  const format = compressionOf(descriptor)
  const archive = decompress(streamContent(source, descriptor), format, { maxBytes: maxLayerBytes, signal, label })
  let count = 0
  try {
    for await (const entry of readTar(archive)) {
      if (signal.aborted) throw new LarderError('CANCELLED', { message: `reading ${label} was stopped` })
      if (++count > maxEntries) throw unreadable(label, `it has more than ${maxEntries} entries`)
      const path = pathOf(entry.name)
      if (path === undefined) notes.add('Entries whose names lead out of the root were passed over.')
      else await take(entry, path)
    }
  } catch (error) {
    if (error instanceof TarError) throw unreadable(label, error.message, error)
    if (isLarderError(error, 'DECOMPRESS_FAILED')) throw unreadable(label, error.message, error)
    throw error
  }
}

interface Taking {
  layer: Layer
  reading: Reading
  links: HardLink[]
}

const whiteoutPrefix = '.wh.'
const opaqueWhiteout = '.wh..wh..opq'

async function takeEntry(entry: TarEntry, path: string, { layer, reading, links }: Taking): Promise<void> {
  const { tree } = reading
  const slash = path.lastIndexOf('/') + 1
  const [parent, name] = [path.slice(0, slash), path.slice(slash)]
  if (name === opaqueWhiteout) tree.hideEntries(parent.slice(0, -1), layer.number)
  // Others of that prefix are notes of a union file system to itself.
  else if (name.startsWith('.wh..wh.')) return
  else if (name.startsWith(whiteoutPrefix)) tree.hide(parent + name.slice(whiteoutPrefix.length), layer.number)
  else if (entry.type !== 'folder') {
    tree.hide(path, layer.number)
    await holdFile(entry, path, { layer, reading, links })
  }
}

async function holdFile(entry: TarEntry, path: string, { layer, reading, links }: Taking): Promise<void> {
  const { tree } = reading
  const kind = fileKindOf(path)
  if (kind === undefined || isTooMuch(entry, path, kind, reading)) return
  const place = { path, kind, layer: layer.descriptor.digest }
  if (entry.type === 'file') {
    tree.put(path, { ...place, content: await reading.spool.write(entry.body, entry.sizeBytes) }, layer.number)
  } else if (entry.type === 'hard-link') {
    const target = pathOf(entry.linkName) ?? ''
    const known = tree.get(target)
    if (known === undefined) links.push({ path, kind, target })
    else tree.put(path, { ...place, content: known.content }, layer.number)
  }
}

function isTooMuch({ type, sizeBytes }: TarEntry, path: string, kind: FileKind, reading: Reading): boolean {
  const { notes, options } = reading
  if (kind === 'rpm-old') notes.add(`${path} is an RPM database in a form that cannot be read here.`)
  else if (type === 'file' && sizeBytes > maxFileBytes[kind])
    notes.add(`${path} is too large to be read (${sizeBytes} bytes).`)
  else if (++reading.fileCount > (options.maxFiles ?? 200_000)) notes.add('There were too many files to read them all.')
  else return false
  return true
}

/** The bytes are those of another name, which stood in the archive before anybody asked for it. */
async function followLinks(links: readonly HardLink[], layer: Layer, reading: Reading): Promise<void> {
  const largest = new Map<string, number>()
  for (const { target, kind } of links) largest.set(target, Math.max(largest.get(target) ?? 0, maxFileBytes[kind]))
  const contents = new Map<string, Content>()
  await eachEntry(layer, reading, async (entry, path) => {
    if (entry.type !== 'file' || entry.sizeBytes > (largest.get(path) ?? -1)) return
    contents.set(path, await reading.spool.write(entry.body, entry.sizeBytes))
  })
  for (const { path, kind, target } of links) {
    const content = contents.get(target)
    if (content === undefined) reading.notes.add(`${path} is a link to something that is not there.`)
    else reading.tree.put(path, { path, kind, layer: layer.descriptor.digest, content }, layer.number)
  }
}

/** Without what stands before the first name; undefined for what leads out of the root. */
function pathOf(name: string): string | undefined {
  const plain = /^(?:\.?\/)*(.*?)\/*$/s.exec(name)?.[1] ?? ''
  // Others are of the root itself, or of a form that no tool writes.
  const isUsual = !/(?:^|\/)\.{0,2}(?:\/|$)/.test(plain)
  if (isUsual) return Buffer.from(plain, 'latin1').toString('utf8')
  const parts = plain.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? undefined : Buffer.from(parts.join('/'), 'latin1').toString('utf8')
}

/** Source: OCI image-spec, layer.md; Docker's own types end in `.tar.gzip`. */
function compressionOf({ mediaType, digest }: Descriptor): CompressionFormat {
  if (/[.+]gzip$/.test(mediaType)) return 'gz'
  if (/[.+]zstd$/.test(mediaType)) return 'zst'
  if (/[.]tar$/.test(mediaType)) return 'plain'
  throw unreadable(`layer ${digest}`, `it is of type ${mediaType.slice(0, 100)}, and no archive`)
}
