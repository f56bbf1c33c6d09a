import { LarderError } from '../../../core/index.ts'
import type { ContentSpool } from './content-spool.ts'
import { readable } from './root-path.ts'
import type { Attributes, RootNode, RootTree } from './root-tree.ts'
import { TarError } from './tar-error.ts'
import { readTar, type TarEntry } from './tar.ts'

export interface LayerOptions {
  /** Counted from 1; what is below is older. */
  layer: number
  /** For messages. */
  label: string
  spool: ContentSpool
  signal: AbortSignal
  /** Of all entries of a layer. Default 2,000,000. */
  maxEntries?: number
}

/**
 * Lays a layer (an unpacked archive) over what is there. Source: OCI image-spec, layer.md ("Whiteouts", "Opaque
 * Whiteout"): they hide what layers below have, wherever in the archive they stand.
 *
 * @throws DISK_IMAGE_SOURCE_INVALID, CANCELLED, and what the source throws
 */
export async function applyLayer(
  tree: RootTree,
  archive: AsyncIterable<Uint8Array>,
  options: LayerOptions,
): Promise<void> {
  const { label, signal, maxEntries = 2_000_000 } = options
  let count = 0
  try {
    for await (const entry of readTar(archive)) {
      if (signal.aborted) throw new LarderError('CANCELLED', { message: `reading ${label} was stopped` })
      if (++count > maxEntries) throw new TarError(`it has more than ${maxEntries} entries`)
      await applyEntry(tree, entry, options)
    }
  } catch (error) {
    if (!(error instanceof TarError)) throw error
    throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
      message: `${label} cannot be read: ${readable(error.message)}.`,
      hint: 'Build and push the image again.',
      cause: error,
    })
  }
}

const whiteoutPrefix = '.wh.'
const opaqueWhiteout = '.wh..wh..opq'

async function applyEntry(tree: RootTree, entry: TarEntry, { layer, spool }: LayerOptions): Promise<void> {
  const path = entry.name.replace(/\/+$/, '')
  const slash = path.lastIndexOf('/') + 1
  const [parent, name] = [path.slice(0, slash), path.slice(slash)]
  if (name === opaqueWhiteout) tree.hideEntries(parent, layer)
  // Others of that prefix are notes of a union file system to itself.
  else if (/(?:^|\/)\.wh\.\.wh\./.test(path)) return
  else if (name.startsWith(whiteoutPrefix)) tree.hide(parent + name.slice(whiteoutPrefix.length), layer)
  else tree.put(path, await readNode(tree, entry, spool), layer)
}

async function readNode(tree: RootTree, entry: TarEntry, spool: ContentSpool): Promise<RootNode> {
  const attributes = attributesOf(entry)
  const { type, sizeBytes, major, minor } = entry
  switch (type) {
    case 'folder':
      return { kind: 'folder', attributes, entries: new Map() }
    case 'symlink':
      return { kind: 'symlink', attributes, target: entry.linkName }
    case 'hard-link':
      return linked(tree, entry)
    case 'file':
      return { kind: 'file', attributes, sizeBytes, contentPath: await spool.write(entry.body, sizeBytes) }
    case 'character':
    case 'block':
    case 'pipe':
      return { kind: type, attributes, major, minor }
  }
}

function linked(tree: RootTree, entry: TarEntry): RootNode {
  const node = tree.find(entry.linkName, { followsLast: false })
  if (node !== undefined && node.kind !== 'folder') return node
  throw new TarError(`${entry.name} is a link to ${entry.linkName}, which is ${node ? 'a folder' : 'not there'}`)
}

function attributesOf({ mode, uid, gid, modifiedAtS, extendedAttributes }: TarEntry): Attributes {
  return { mode, uid, gid, modifiedAtS, extendedAttributes }
}
