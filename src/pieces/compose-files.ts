import { type Digest, isLarderError } from '../core/index.ts'
import type { TreeEntry } from '../publish/index.ts'
import type { BlobStore, LeaseId, Leases } from '../store/index.ts'
import { BlobBasket } from './blob-basket.ts'
import {
  noComposition,
  readComposition,
  saveComposition,
  usedDigests,
  type Composition,
  type PieceCache,
  type Remembered,
} from './composition.ts'
import { indexFiles } from './index-files.ts'
import { makePieces, type PlannedChunk } from './make-pieces.ts'
import { allEncodings, blobsOf, hasEncodings, type Encoding, type IndexPlan, type Piece } from './piece.ts'
import type { PieceMemory } from './piece-memory.ts'
import type { Content } from './rope.ts'
import { xzBlocks } from './xz-blocks.ts'

export interface ComposeFilesOptions {
  store: BlobStore
  lease: LeaseId
  /** Keeps pieces of earlier compositions from gc while they are used again. */
  leases?: Pick<Leases, 'pin'>
  /**
   * Something keeps all blobs of the last composition that `memory` has seen of the mirror: a snapshot that stays.
   * They are not looked for then. Default: false.
   */
  isKept?: boolean
  cache: PieceCache
  /** Name of the mirror: what one composition leaves behind is looked for by the next of the same mirror. */
  cacheKey: string
  /** Another mirror whose last composition is used, too, and stays as it is: what this one is a variant of. Default: none. */
  variantOf?: string
  /** Shared by all compositions of the process. */
  memory: PieceMemory
  /** Where `xz` is looked for. Default: the usual folders. */
  programPath?: string
  signal?: AbortSignal
}

/** What is to be made: index files of chunks, and small files as they are. */
export interface FilePlan {
  indices: readonly IndexPlan[]
  /** Written with the others, in one go. */
  small?: readonly { path: string; bytes: Buffer }[]
  /** See `Composition.remembered`. */
  remembered?: Remembered
}

export interface ComposedFiles {
  /** Plain and compressed files of the indices, in the order of the plan; then the small ones. */
  files: (TreeEntry & Content)[]
}

/**
 * Makes index files of chunks, and compresses only chunks that no earlier composition of the mirror had. The
 * planner is handed what the last one remembered, of which every chunk is still there. DISK_FULL, CANCELLED.
 */
export async function composeFiles(
  options: ComposeFilesOptions,
  plan: (remembered: Remembered) => Promise<FilePlan> | FilePlan,
): Promise<ComposedFiles> {
  const basket = new BlobBasket(options.store, options.lease, options.memory)
  const own = await lastOf(options)
  const earlier = options.variantOf === undefined ? own : joined(await found(options, options.variantOf), own)
  const { indices, small = [], remembered = new Map() } = await plan(soundOf(earlier))
  const pieces = await piecesOf(indices, earlier, basket, options)
  const known = new Map(earlier.files)
  const joiner = { basket, known, hashes: options.memory.hashes, mirror: options.cacheKey }
  const made = (await Promise.all(indices.map((index) => indexFiles(index, pieces, joiner)))).flat()
  const files = made.map((file) => ({ ...file, stable: false }))
  for (const { path, bytes } of small) files.push({ path, ...basket.add(bytes), stable: false })
  await basket.flush()
  const composition = { pieces, files: usedDigests(known, files), remembered }
  await saveComposition(options.cache, options.cacheKey, composition, own)
  options.memory.compositions.set(options.cacheKey, composition)
  options.memory.retain(new Set([...pieces.values()].flatMap(blobsOf)))
  return { files }
}

function soundOf(earlier: Composition): Remembered {
  return new Map([...earlier.remembered].filter(([, keys]) => keys.every((key) => earlier.pieces.has(key))))
}

/** What the last composition of this mirror left, if all of it is still in the store. */
async function lastOf(options: ComposeFilesOptions): Promise<Composition> {
  const remembered = options.memory.compositions.get(options.cacheKey)
  if (options.isKept === true && remembered !== undefined) return remembered
  return found(options, options.cacheKey)
}

/** As it is in the cache. */
async function found({ cache, leases, lease }: ComposeFilesOptions, cacheKey: string): Promise<Composition> {
  const earlier = await readComposition(cache, cacheKey)
  try {
    await leases?.pin(lease, [...earlier.pieces.values()].flatMap(blobsOf))
    return earlier
  } catch (error) {
    if (!isLarderError(error, 'BLOB_MISSING')) throw error
    return noComposition
  }
}

function joined(first: Composition, second: Composition): Composition {
  return {
    pieces: new Map([...first.pieces, ...second.pieces]),
    files: new Map([...first.files, ...second.files]),
    remembered: new Map([...first.remembered, ...second.remembered]),
  }
}

async function piecesOf(
  plans: readonly IndexPlan[],
  earlier: Composition,
  basket: BlobBasket,
  options: Pick<ComposeFilesOptions, 'signal' | 'programPath'>,
): Promise<Map<string, Piece>> {
  const pieces = new Map<string, Piece>()
  const missing = new Map<string, PlannedChunk>()
  for (const chunk of chunksOf(plans)) {
    const piece = earlier.pieces.get(chunk.key)
    if (piece && (await isComplete(piece, chunk.encodings, options.programPath))) pieces.set(chunk.key, piece)
    else missing.set(chunk.key, chunk)
  }
  const byContent = new Map<Digest, Piece>([...earlier.pieces.values()].map((piece) => [piece.plain.digest, piece]))
  const made = await makePieces([...missing.values()], { ...options, basket, byContent })
  for (const [key, piece] of made) pieces.set(key, piece)
  return pieces
}

/** Chunks at the same place of several indices are near each other: they are often made of the same packages. */
function* chunksOf(plans: readonly IndexPlan[]): Generator<PlannedChunk> {
  const most = plans.reduce((count, plan) => Math.max(count, plan.chunks.length), 0)
  for (let index = 0; index < most; index++) {
    for (const { chunks, encodings = allEncodings } of plans) {
      const chunk = chunks[index]
      if (chunk !== undefined) yield { ...chunk, encodings }
    }
  }
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
