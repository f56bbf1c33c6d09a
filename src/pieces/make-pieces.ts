import { availableParallelism } from 'node:os'
import { crc32 } from 'node:zlib'
import { digestOf, type Digest } from '../core/index.ts'
import type { BlobBasket } from './blob-basket.ts'
import { gzipPiece } from './gzip-container.ts'
import { hasEncodings, type Chunk, type Encoding, type Piece } from './piece.ts'
import { xzBlocks } from './xz-blocks.ts'

/**
 * Renders and compresses chunks, several batches at a time; answers their pieces by key. A chunk whose bytes turn
 * out to be those of a known piece is not compressed again.
 */
export async function makePieces(
  chunks: readonly PlannedChunk[],
  options: { basket: BlobBasket; byContent: ReadonlyMap<Digest, Piece>; signal?: AbortSignal; programPath?: string },
): Promise<Map<string, Piece>> {
  const pieces = new Map<string, Piece>()
  const batches = batchesOf(chunks, options.byContent, pieces)
  const work = async (): Promise<void> => {
    for await (const batch of batches) {
      options.signal?.throwIfAborted()
      const made = await compressBatch(batch, options)
      batch.forEach(({ chunk }, index) => pieces.set(chunk.key, made[index]!))
      await options.basket.flushIfLarge()
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work))
  return pieces
}

/** A chunk, and what its file is served as besides plain. */
export type PlannedChunk = Chunk & { encodings: readonly Encoding[] }

interface Rendered {
  chunk: PlannedChunk
  plain: Buffer
}

/** For a change: small enough to keep two processors busy. For a whole index: few starts of xz (20 ms in a large process). */
const batchBytes = (chunks: number): number => (chunks <= 32 ? 640 : 4096) * 1024

/** Renders lazily: only what is being compressed is in memory. One generator feeds all workers. */
async function* batchesOf(
  chunks: readonly PlannedChunk[],
  byContent: ReadonlyMap<Digest, Piece>,
  pieces: Map<string, Piece>,
): AsyncGenerator<Rendered[]> {
  const enough = batchBytes(chunks.length)
  let batch: Rendered[] = []
  let sizeBytes = 0
  for (const chunk of chunks) {
    const rendered = chunk.render()
    const plain = rendered instanceof Buffer ? rendered : await rendered
    const known = byContent.get(digestOf(plain))
    if (known !== undefined && hasEncodings(known, chunk.encodings)) {
      pieces.set(chunk.key, known)
      continue
    }
    batch.push({ chunk, plain })
    sizeBytes += plain.length
    if (sizeBytes < enough) continue
    yield batch
    batch = []
    sizeBytes = 0
  }
  if (batch.length > 0) yield batch
}

async function compressBatch(
  batch: readonly Rendered[],
  { basket, programPath }: { basket: BlobBasket; programPath?: string },
): Promise<Piece[]> {
  const pieces = batch.map(({ plain }): Piece => ({ plain: basket.add(plain), crc32: crc32(plain) }))
  const wanting = (encoding: Encoding): { piece: Piece; plain: Buffer }[] =>
    batch.flatMap(({ chunk, plain }, index) =>
      plain.length > 0 && chunk.encodings.includes(encoding) ? [{ piece: pieces[index]!, plain }] : [],
    )
  const [forXz, forGz] = [wanting('xz'), wanting('gz')]
  const [blocks, members] = await Promise.all([
    xzBlocks(
      forXz.map(({ plain }) => plain),
      programPath,
    ),
    Promise.all(forGz.map(({ plain }) => gzipPiece(plain))),
  ])
  blocks?.forEach(({ bytes, unpaddedSizeBytes }, index) => {
    forXz[index]!.piece.xz = { ...basket.add(bytes), unpaddedSizeBytes }
  })
  members.forEach((bytes, index) => (forGz[index]!.piece.gz = basket.add(bytes)))
  return pieces
}
