import { LarderError, digestFromHex, digestOf, type Digest } from '../core/index.ts'
import type { BlobStore } from '../store/index.ts'
import { StoredTree, manifestHeader } from './stored-tree.ts'
import { knownChunk, rememberChunks } from './known-chunks.ts'
import { TreeChunk } from './tree-chunk.ts'
import type { Tree } from './tree.ts'

/** The tree that a manifest stands for. Chunks that a living tree already holds are shared with it. BLOB_MISSING, BLOB_DAMAGED. */
export async function readTree(store: BlobStore, digest: Digest): Promise<Tree> {
  return readStoredTree(store, digest)
}

export async function readStoredTree(store: BlobStore, digest: Digest): Promise<StoredTree> {
  const lines = (await readChecked(store, digest)).toString().split('\n')
  if (lines[0] !== manifestHeader) throw damaged(digest, `it does not begin with "${manifestHeader}"`)
  const rows = lines.slice(1, -1)
  const chunks: TreeChunk[] = []
  for (let start = 0; start < rows.length; start += readsAtOnce) {
    const some = rows.slice(start, start + readsAtOnce)
    chunks.push(...(await Promise.all(some.map((row) => readChunk(store, row)))))
  }
  const tree = new StoredTree(chunks)
  if (tree.digest !== digest) throw damaged(digest, 'it does not fit its chunks')
  return tree
}

const readsAtOnce = 32

async function readChunk(store: BlobStore, row: string): Promise<TreeChunk> {
  const [hex = '', , sizeBytes = ''] = row.split('\t')
  const digest = digestFromHex(hex)
  const known = knownChunk(store, digest)
  if (known !== undefined) return known
  const chunk = TreeChunk.fromBlob(await readChecked(store, digest), digest, Number(sizeBytes))
  rememberChunks(store, [chunk])
  return chunk
}

async function readChecked(store: BlobStore, digest: Digest): Promise<Buffer> {
  const bytes = await store.readWhole(digest)
  if (digestOf(bytes) !== digest) throw damaged(digest, 'its bytes have changed')
  return bytes
}

function damaged(digest: Digest, why: string): LarderError {
  return new LarderError('BLOB_DAMAGED', {
    message: `The blob ${digest}, a part of a published tree, is damaged: ${why}.`,
    hint: 'Run `larder doctor`; the disk may be failing.',
    context: { digest },
  })
}
