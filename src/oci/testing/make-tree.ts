import { ContentSpool } from '../disk-image/source/content-spool.ts'
import { applyLayer } from '../disk-image/source/layer.ts'
import { RootTree } from '../disk-image/source/root-tree.ts'
import { makeArchive, type ArchiveEntry } from './archive.ts'

/** A root of one layer, the bytes of its files in a folder that the caller removes. */
export async function makeTree(folder: string, entries: readonly ArchiveEntry[]): Promise<RootTree> {
  const tree = new RootTree()
  const archive = await makeArchive(entries)
  const pieces = (async function* () {
    yield archive
  })()
  const { signal } = new AbortController()
  await applyLayer(tree, pieces, { layer: 1, label: 'the layer', spool: new ContentSpool(folder), signal })
  return tree
}
