import { createReadStream } from 'node:fs'
import { LarderError } from '../../../core/index.ts'
import { decompress, type CompressionFormat } from '../../../unpack/index.ts'
import type { Descriptor } from '../../descriptor.ts'
import { ContentSpool } from './content-spool.ts'
import { applyLayer } from './layer.ts'
import { readBlob, readLayoutImage, type ImageConfig } from './layout.ts'
import { readRootFolder } from './root-folder.ts'
import { RootTree } from './root-tree.ts'

/**
 * What a disk image is made of: an image in an OCI image layout, a folder that is a root file system, or archives (tar,
 * not compressed) that are laid one over the other.
 */
export type RootSource = { layout: string; digest?: string } | { folder: string } | { archives: readonly string[] }

export interface Root {
  tree: RootTree
  /** Undefined for what is no image. */
  config: ImageConfig | undefined
}

export interface ReadRootOptions {
  /** An empty folder for the bytes of files; the caller removes it. */
  spoolFolder: string
  signal: AbortSignal
  /** Of all layers, unpacked. Default 64 GiB. */
  maxBytes?: number
}

/** Reads a root file system into memory, the bytes of its files into the spool. DISK_IMAGE_SOURCE_INVALID, CANCELLED. */
export async function readRoot(source: RootSource, options: ReadRootOptions): Promise<Root> {
  if ('folder' in source) return { tree: await readRootFolder(source.folder, options.signal), config: undefined }
  if ('archives' in source) return { tree: await readArchives(source.archives, options), config: undefined }
  const { spoolFolder, signal, maxBytes = 64 * 1024 ** 3 } = options
  const { config, layers } = await readLayoutImage(source.layout, source.digest)
  const tree = new RootTree()
  const spool = new ContentSpool(spoolFolder)
  for (const [index, layer] of layers.entries()) {
    const label = `layer ${index + 1} of ${layers.length} (${layer.digest})`
    const archive = decompress(readBlob(source.layout, layer), compressionOf(layer), { maxBytes, signal, label })
    await applyLayer(tree, archive, { layer: index + 1, label, spool, signal })
  }
  return { tree, config }
}

async function readArchives(paths: readonly string[], { spoolFolder, signal }: ReadRootOptions): Promise<RootTree> {
  const tree = new RootTree()
  const spool = new ContentSpool(spoolFolder)
  for (const [index, path] of paths.entries()) {
    await applyLayer(tree, createReadStream(path), { layer: index + 1, label: path, spool, signal })
  }
  return tree
}

/** Source: OCI image-spec, layer.md; Docker's own types end in `.tar.gzip`. */
function compressionOf({ mediaType, digest }: Descriptor): CompressionFormat {
  if (/[.+]gzip$/.test(mediaType)) return 'gz'
  if (/[.+]zstd$/.test(mediaType)) return 'zst'
  if (/[.]tar$/.test(mediaType)) return 'plain'
  throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
    message: `The layer ${digest} is of type ${mediaType.slice(0, 100)}, which cannot be unpacked here.`,
    hint: 'Layers are archives: tar, tar+gzip or tar+zstd.',
  })
}
