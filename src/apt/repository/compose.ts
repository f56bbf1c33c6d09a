import { type Digest, isLarderError } from '../../core/index.ts'
import type { TreeEntry } from '../../publish/index.ts'
import type { BlobStore, LeaseId, Leases } from '../../store/index.ts'
import { BlobBasket } from './blob-basket.ts'
import { byHashEntry, indexFiles } from './index-files.ts'
import {
  noComposition,
  readComposition,
  saveComposition,
  usedDigests,
  type Composition,
  type PieceCache,
} from './composition.ts'
import { planContents } from './contents-index.ts'
import type { FileLists } from './file-lists.ts'
import { makePieces, type PlannedChunk } from './make-pieces.ts'
import { allEncodings, blobsOf, hasEncodings, type Encoding, type IndexPlan, type Piece } from './piece.ts'
import { PieceMemory } from './piece-memory.ts'
import { planSourceManifest } from './manifest.ts'
import { placePackages, type PlacedPackage } from './placed-package.ts'
import { placeSources, sourceEntries } from './placed-source.ts'
import { planIndices, type Layout } from './plan-indices.ts'
import { planSources } from './plan-sources.ts'
import { architectureRelease, type ReleaseFacts } from './release-text.ts'
import type { RepositoryPackage } from './repository-package.ts'
import type { RepositorySource } from './repository-source.ts'
import type { TranslationTable } from './translation-index.ts'
import { xzBlocks } from './xz-blocks.ts'

export interface ComposeOptions extends Layout, ReleaseFacts {
  packages: readonly RepositoryPackage[]
  /** Given, though it be empty, when the mirror is to have `source/Sources`. */
  sources?: readonly RepositorySource[]
  store: BlobStore
  lease: LeaseId
  /** Keeps pieces of earlier compositions from gc while they are used again. */
  leases?: Pick<Leases, 'pin'>
  cache: PieceCache
  /** Name of the mirror: what one composition leaves behind is looked for by the next of the same mirror. */
  cacheKey: string
  /** By component; a component without one has no Translation-en. */
  translations?: ReadonlyMap<string, TranslationTable>
  /** Given when the mirror is to have Contents files: `createFileLists`. */
  contents?: FileLists
  /** Shared by all compositions of the process. Default: one for this call. */
  memory?: PieceMemory
  /** Where `xz` is looked for. Default: the usual folders. */
  programPath?: string
  signal?: AbortSignal
}

/** What the sealer needs to know of a snapshot. JSON. */
export interface RepositoryMeta extends ReleaseFacts {
  format: 'apt'
  /** There are Sources indices. */
  sources?: true
  /** What Release lists; paths below `dists/<suite>/`, sorted. */
  files: { path: string; sizeBytes: number; digest: Digest }[]
}

/**
 * Writes the index files of a repository and answers all entries of its tree but the signed ones, in no order. A
 * function of packages and options alone: what is cached makes it quick, never different. DISK_FULL.
 */
export async function composeRepository(
  options: ComposeOptions,
): Promise<{ entries: TreeEntry[]; meta: RepositoryMeta }> {
  const defaultComponent = options.components[0] ?? 'main'
  const packages = placePackages(options.packages, defaultComponent)
  const sources = options.sources && placeSources(options.sources, packages, defaultComponent)
  const memory = options.memory ?? new PieceMemory()
  const basket = new BlobBasket(options.store, options.lease, memory)
  const earlier = await reusable(options)
  const contents = await contentsOf(options, packages, earlier)
  const plans = [
    ...planIndices(packages, options, options.translations ?? new Map()),
    ...contents.plans,
    ...(sources === undefined ? [] : [...planSources(sources, options), planSourceManifest(sources)]),
  ]
  const pieces = await piecesOf(plans, earlier, basket, options)
  const known = new Map(earlier.files)
  const joiner = { basket, known, hashes: memory.hashes, mirror: options.cacheKey }
  const indices = (await Promise.all(plans.map((plan) => indexFiles(plan, pieces, joiner)))).flat()
  const files: TreeEntry[] = indices.map((file) => ({ ...file, stable: false }))
  files.push(...architectureReleases(options, basket))
  await basket.flush()
  const composition = { pieces, files: usedDigests(known, files), contents: contents.remembered }
  await saveComposition(options.cache, options.cacheKey, composition, earlier)
  memory.retain(new Set([...pieces.values()].flatMap(blobsOf)))
  const listed = files.filter((file) => file.path.startsWith(`dists/${options.suite}/`))
  return {
    entries: [...poolEntries(packages), ...sourceEntries(sources ?? []), ...files, ...listed.map(byHashEntry)],
    meta: metaOf(options, listed),
  }
}

/** What the last composition of this mirror left, if all of it is still in the store. */
async function reusable(options: ComposeOptions): Promise<Composition> {
  const earlier = await readComposition(options.cache, options.cacheKey)
  try {
    await options.leases?.pin(options.lease, [...earlier.pieces.values()].flatMap(blobsOf))
    return earlier
  } catch (error) {
    if (!isLarderError(error, 'BLOB_MISSING')) throw error
    return noComposition
  }
}

async function contentsOf(
  options: ComposeOptions,
  packages: readonly PlacedPackage[],
  earlier: Composition,
): ReturnType<typeof planContents> {
  if (options.contents === undefined) return { plans: [], remembered: new Map() }
  const sound = [...earlier.contents].filter(([, keys]) => keys.every((key) => earlier.pieces.has(key)))
  return await planContents(packages, options, { lists: options.contents, remembered: new Map(sound) })
}

async function piecesOf(
  plans: readonly IndexPlan[],
  earlier: Composition,
  basket: BlobBasket,
  options: Pick<ComposeOptions, 'signal' | 'programPath'>,
): Promise<Map<string, Piece>> {
  const pieces = new Map<string, Piece>()
  const missing = new Map<string, PlannedChunk>()
  for (const plan of plans) {
    const encodings = plan.encodings ?? allEncodings
    for (const chunk of plan.chunks) {
      const piece = earlier.pieces.get(chunk.key)
      if (piece && (await isComplete(piece, encodings, options.programPath))) pieces.set(chunk.key, piece)
      else missing.set(chunk.key, { ...chunk, encodings })
    }
  }
  const byContent = new Map([...earlier.pieces.values()].map((piece) => [piece.plain.digest, piece]))
  const made = await makePieces([...missing.values()], { ...options, basket, byContent })
  for (const [key, piece] of made) pieces.set(key, piece)
  return pieces
}

/** A piece from before xz was installed is made again once it is. */
async function isComplete(
  piece: Piece,
  encodings: readonly Encoding[],
  programPath: string | undefined,
): Promise<boolean> {
  if (hasEncodings(piece, encodings)) return true
  const possible = encodings.filter((encoding) => encoding !== 'xz')
  return hasEncodings(piece, possible) && (await xzBlocks([probe], programPath)) === undefined
}

const probe = Buffer.from('\n')

function poolEntries(packages: readonly PlacedPackage[]): TreeEntry[] {
  const owners = packages.filter((item) => !item.isShared)
  return owners.map(({ path, source: { sizeBytes, digest } }) => ({ path, sizeBytes, digest, stable: true }))
}

function architectureReleases(options: ComposeOptions, basket: BlobBasket): TreeEntry[] {
  const folders = options.architectures.map((architecture) => ({ architecture, folder: `binary-${architecture}` }))
  if (options.sources !== undefined) folders.push({ architecture: 'source', folder: 'source' })
  return options.components.flatMap((component) =>
    folders.map(({ architecture, folder }) => ({
      path: `dists/${options.suite}/${component}/${folder}/Release`,
      ...basket.add(Buffer.from(architectureRelease(options, component, architecture))),
      stable: false,
    })),
  )
}

function metaOf(options: ComposeOptions, listed: readonly TreeEntry[]): RepositoryMeta {
  const prefix = `dists/${options.suite}/`
  const files = listed
    .map(({ path, sizeBytes, digest }) => ({ path: path.slice(prefix.length), sizeBytes, digest }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const { suite, codename, origin, label, description, components, architectures } = options
  return {
    format: 'apt',
    ...(options.sources !== undefined && { sources: true }),
    suite,
    ...(codename !== undefined && { codename }),
    origin,
    label,
    ...(description !== undefined && { description }),
    components: [...components],
    architectures: [...architectures],
    files,
  }
}
