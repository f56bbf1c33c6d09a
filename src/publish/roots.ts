import { isDigest, type Digest } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type { BlobStore } from '../store/index.ts'
import { readStoredTree } from './read-tree.ts'
import { blobsOfChunk } from './stored-tree.ts'

/**
 * Every blob that a snapshot, publication or preview needs: those of its tree, and whatever digest its meta names, so that
 * a format may keep a list of packages beside the tree. Chunks that several trees share are walked once.
 */
export async function* publicationRoots(state: State, store: BlobStore): AsyncIterable<Digest> {
  const snapshots = await state.db.selectFrom('snapshots').select(['tree', 'meta']).execute()
  const publications = await state.db.selectFrom('publications').select('tree').execute()
  const previews = await state.db.selectFrom('previews').select(['tree', 'meta']).execute()
  for (const { meta } of [...snapshots, ...previews]) yield* digestsIn(meta)
  const seen = new Set<Digest>()
  for (const tree of new Set([...snapshots, ...publications, ...previews].map((row) => row.tree as Digest))) {
    yield tree
    for (const chunk of (await readStoredTree(store, tree)).chunks) {
      if (seen.has(chunk.digest)) continue
      seen.add(chunk.digest)
      yield* blobsOfChunk(chunk)
    }
  }
}

function digestsIn(text: string): Digest[] {
  const found: string[] = text.match(/sha256:[0-9a-f]{64}/g) ?? []
  return found.filter(isDigest)
}
