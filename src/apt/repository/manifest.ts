import type { BlobStore } from '../../store/index.ts'
import type { MirrorPackage } from '../../mirror/index.ts'
import type { Tree } from '../../publish/index.ts'
import { type IndexPlan, type Part, planChunks } from '../../pieces/index.ts'
import type { PlacedPackage } from './placed-package.ts'
import type { PlacedSource } from './placed-source.ts'
import { comparePackages } from './sort-packages.ts'

/**
 * What a snapshot holds, one package in a line of JSON, in the tree itself so that it lives as long as the snapshot:
 * Packages says neither upstream nor reason. In pieces as the indices are, so that two snapshots are compared by
 * reading what differs.
 */
const manifestPath = 'larder/packages.jsonl'

/** The same for source packages; missing where a mirror has none. */
const sourceManifestPath = 'larder/sources.jsonl'

export function planManifest(packages: readonly PlacedPackage[]): IndexPlan {
  const chunks = planChunks('manifest 1\n', packages, {
    fingerprint: ({ source, fingerprint }) => `${source.upstream}\t${source.reason}\t${fingerprint}`,
    render: (item) => Buffer.from(`${JSON.stringify(describe(item))}\n`),
  })
  return { path: manifestPath, chunks, encodings: [] }
}

export function planSourceManifest(sources: readonly PlacedSource[]): IndexPlan {
  const chunks = planChunks('source manifest 1\n', sources, {
    fingerprint: ({ source, fingerprint }) => `${source.upstream}\t${source.reason}\t${fingerprint}`,
    render: (item) => Buffer.from(`${JSON.stringify(describeSource(item))}\n`),
  })
  return { path: sourceManifestPath, chunks, encodings: [] }
}

/** Sorted by name, version, architecture; source packages are of the architecture `source`. BLOB_MISSING. */
export async function packagesOfTree(tree: Tree, store: BlobStore): Promise<MirrorPackage[]> {
  const packages = await readParts(partsOf(tree, manifestPath), store)
  const sources = await readParts(partsOf(tree, sourceManifestPath), store)
  return sources.length === 0 ? packages : [...packages, ...sources].sort(comparePackages)
}

/** What must be removed and added to come from one snapshot to the other; equal parts are not read. BLOB_MISSING. */
export async function packageChanges(
  from: Tree,
  to: Tree,
  store: BlobStore,
): Promise<{ removed: MirrorPackage[]; added: MirrorPackage[] }> {
  const [before, after] = [from, to].map((tree) => manifestPaths.flatMap((path) => partsOf(tree, path))) as [
    Part[],
    Part[],
  ]
  const [inBefore, inAfter] = [new Set(before.map(digestOfPart)), new Set(after.map(digestOfPart))]
  const [old, young] = await Promise.all([
    readParts(
      before.filter((part) => !inAfter.has(part.digest)),
      store,
    ),
    readParts(
      after.filter((part) => !inBefore.has(part.digest)),
      store,
    ),
  ])
  const [oldIds, youngIds] = [new Set(old.map(contentOf)), new Set(young.map(contentOf))]
  return {
    removed: old.filter((item) => !youngIds.has(contentOf(item))),
    added: young.filter((item) => !oldIds.has(contentOf(item))),
  }
}

function describe({ source, path }: PlacedPackage): MirrorPackage {
  const { name, version, architecture, sizeBytes, digest, upstream, reason } = source
  return { name, version, architecture, sizeBytes, path, digest, upstream, reason }
}

/** Its digest is that of the .dsc, which promises the other files. */
function describeSource({ source, directory }: PlacedSource): MirrorPackage {
  const { name, version, upstream, reason } = source
  const files = source.files.map((file) => ({
    path: `${directory}/${file.name}`,
    sizeBytes: file.sizeBytes,
    digest: file.digest,
  }))
  const { path, digest } = files.find((file) => file.path.endsWith('.dsc')) ?? files[0]!
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  return { name, version, architecture: 'source', sizeBytes, path, digest, upstream, reason, files }
}

const manifestPaths = [manifestPath, sourceManifestPath]

function partsOf(tree: Tree, path: string): readonly Part[] {
  const entry = tree.get(path)
  if (entry === undefined) return []
  return entry.parts ?? [{ digest: entry.digest, sizeBytes: entry.sizeBytes }]
}

async function readParts(parts: readonly Part[], store: BlobStore): Promise<MirrorPackage[]> {
  const packages: MirrorPackage[] = []
  for (const part of parts) {
    const lines = (await store.readWhole(part.digest)).toString().split('\n')
    for (const line of lines) if (line !== '') packages.push(JSON.parse(line) as MirrorPackage)
  }
  return packages
}

/** Another reason alone is no change of content. */
function contentOf({ name, version, architecture, digest }: MirrorPackage): string {
  return `${name} ${version} ${architecture} ${digest}`
}

function digestOfPart(part: Part): string {
  return part.digest
}
