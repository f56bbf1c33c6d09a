import { planChunks, type Cuttable, type IndexPlan, type Part } from '../pieces/index.ts'
import type { Tree } from '../publish/index.ts'
import type { BlobStore } from '../store/index.ts'
import type { MirrorPackage } from './format.ts'

/**
 * What a snapshot holds, one package in a line of JSON, in the tree itself so that it lives as long as the snapshot:
 * the indices that clients read say neither upstream nor reason. In pieces as those are, so that two snapshots are
 * compared by reading what differs.
 */
const manifestPath = 'larder/packages.jsonl'

/** The same for source packages; missing where a mirror has none. */
const sourceManifestPath = 'larder/sources.jsonl'

/** How a format's own items become lines of the manifest. */
export interface ManifestLines<Item> {
  /** Equal strings for items of one name, upstream and reason: equal lines. Ends with a newline. */
  fingerprint: (item: Item) => string
  describe: (item: Item) => MirrorPackage
}

/** `packages`: sorted by name, version, architecture. Its chunks are told apart from those of other indices. */
export function planManifest<Item extends Cuttable>(packages: readonly Item[], lines: ManifestLines<Item>): IndexPlan {
  return planLines(manifestPath, packages, { ...lines, kind: 'manifest 1\n' })
}

/** For a mirror that has source packages beside the others. */
export function planSourceManifest<Item extends Cuttable>(
  sources: readonly Item[],
  lines: ManifestLines<Item>,
): IndexPlan {
  return planLines(sourceManifestPath, sources, { ...lines, kind: 'source manifest 1\n' })
}

/** In the order of the manifest; `compare` says where source packages belong between the others. BLOB_MISSING. */
export async function packagesOfTree(
  tree: Tree,
  store: BlobStore,
  compare?: (a: MirrorPackage, b: MirrorPackage) => number,
): Promise<MirrorPackage[]> {
  const packages = await readParts(partsOf(tree, manifestPath), store)
  const sources = await readParts(partsOf(tree, sourceManifestPath), store)
  return sources.length === 0 ? packages : [...packages, ...sources].sort(compare)
}

/** What must be removed and added to come from one snapshot to the other; equal parts are not read. BLOB_MISSING. */
export async function packageChanges(
  from: Tree,
  to: Tree,
  store: BlobStore,
): Promise<{ removed: MirrorPackage[]; added: MirrorPackage[] }> {
  const [before, after] = [allParts(from), allParts(to)]
  const [old, young] = await Promise.all([
    readParts(partsBeyond(before, after), store),
    readParts(partsBeyond(after, before), store),
  ])
  return { removed: packagesBeyond(old, young), added: packagesBeyond(young, old) }
}

function planLines<Item extends Cuttable>(
  path: string,
  items: readonly Item[],
  { kind, fingerprint, describe }: ManifestLines<Item> & { kind: string },
): IndexPlan {
  const chunks = planChunks(kind, items, {
    fingerprint,
    render: (item) => Buffer.from(`${JSON.stringify(describe(item))}\n`),
  })
  return { path, chunks, encodings: [] }
}

function allParts(tree: Tree): Part[] {
  return [manifestPath, sourceManifestPath].flatMap((path) => partsOf(tree, path))
}

function partsOf(tree: Tree, path: string): readonly Part[] {
  const entry = tree.get(path)
  if (entry === undefined) return []
  return entry.parts ?? [{ digest: entry.digest, sizeBytes: entry.sizeBytes }]
}

function partsBeyond(parts: readonly Part[], others: readonly Part[]): Part[] {
  const known = new Set(others.map(({ digest }) => digest))
  return parts.filter(({ digest }) => !known.has(digest))
}

async function readParts(parts: readonly Part[], store: BlobStore): Promise<MirrorPackage[]> {
  const packages: MirrorPackage[] = []
  for (const part of parts) {
    const lines = (await store.readWhole(part.digest)).toString().split('\n')
    for (const line of lines) if (line !== '') packages.push(JSON.parse(line) as MirrorPackage)
  }
  return packages
}

function packagesBeyond(packages: readonly MirrorPackage[], others: readonly MirrorPackage[]): MirrorPackage[] {
  const known = new Set(others.map(contentOf))
  return packages.filter((item) => !known.has(contentOf(item)))
}

/** Another reason alone is no change of content. */
function contentOf({ name, version, architecture, digest }: MirrorPackage): string {
  return `${name} ${version} ${architecture} ${digest}`
}
