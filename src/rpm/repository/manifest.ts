import type { MirrorPackage } from '../../mirror/index.ts'
import { planChunks, type IndexPlan } from '../../pieces/index.ts'
import type { Tree } from '../../publish/index.ts'
import type { BlobStore } from '../../store/index.ts'
import { formatEvr } from '../version.ts'
import type { PlacedPackage } from './placed-package.ts'

/**
 * What a snapshot holds, one package in a line of JSON, in the tree itself so that it lives as long as the snapshot:
 * primary.xml says neither upstream nor reason.
 */
const manifestPath = 'larder/packages.jsonl'

export function planManifest(packages: readonly PlacedPackage[]): IndexPlan {
  const chunks = planChunks('rpm manifest 1\n', packages, {
    fingerprint: ({ source, fingerprint }) => `${source.upstream}\t${source.reason}\t${fingerprint}`,
    render: (item) => Buffer.from(`${JSON.stringify(describe(item))}\n`),
  })
  return { path: manifestPath, chunks, encodings: [] }
}

/** Sorted by name, version, architecture. BLOB_MISSING. */
export async function packagesOfTree(tree: Tree, store: BlobStore): Promise<MirrorPackage[]> {
  const entry = tree.get(manifestPath)
  const parts = entry?.parts ?? (entry === undefined ? [] : [entry])
  const packages: MirrorPackage[] = []
  for (const { digest } of parts) {
    const lines = (await store.readWhole(digest)).toString().split('\n')
    for (const line of lines) if (line !== '') packages.push(JSON.parse(line) as MirrorPackage)
  }
  return packages
}

function describe({ source, path }: PlacedPackage): MirrorPackage {
  const { name, evr, architecture, sizeBytes, digest, upstream, reason } = source
  return { name, version: formatEvr(evr), architecture, sizeBytes, path, digest, upstream, reason }
}
