import type { BlobBasket } from './blob-basket.ts'
import { gzipHeader, gzipTrailer } from './gzip-container.ts'
import { allEncodings, type IndexPlan, type Part, type Piece } from './piece.ts'
import { joinParts, type Content, type Joiner } from './rope.ts'
import { xzHeader, xzTrailer } from './xz-container.ts'

/**
 * The files of an index: plain, `.gz`, and `.xz` when every piece has it: a host without xz serves gz only.
 */
export async function indexFiles(
  plan: IndexPlan,
  pieces: ReadonlyMap<string, Piece>,
  joiner: Joiner,
): Promise<({ path: string } & Content)[]> {
  const { basket } = joiner
  const all = plan.chunks.map((chunk) => pieces.get(chunk.key)!).filter((piece) => piece.plain.sizeBytes > 0)
  const plain = all.map((piece) => piece.plain)
  const files = [{ path: plan.path, parts: plain }]
  const encodings = plan.encodings ?? allEncodings
  if (encodings.includes('gz')) files.push({ path: `${plan.path}.gz`, parts: gzipParts(all, basket) })
  const xz = encodings.includes('xz') ? xzParts(all, basket) : undefined
  if (xz) files.push({ path: `${plan.path}.xz`, parts: xz })
  return await Promise.all(files.map(async ({ path, parts }) => ({ path, ...(await joinParts(path, parts, joiner)) })))
}

function gzipParts(pieces: readonly Piece[], basket: BlobBasket): Part[] {
  const trailer = gzipTrailer(pieces.map((piece) => ({ crc32: piece.crc32, sizeBytes: piece.plain.sizeBytes })))
  return [basket.add(gzipHeader), ...pieces.map((piece) => piece.gz!), basket.add(trailer)]
}

function xzParts(pieces: readonly Piece[], basket: BlobBasket): Part[] | undefined {
  const blocks = pieces.flatMap((piece) => (piece.xz === undefined ? [] : [piece.xz]))
  if (blocks.length < pieces.length) return undefined
  const records = pieces.map((piece) => ({
    unpaddedSizeBytes: piece.xz!.unpaddedSizeBytes,
    uncompressedSizeBytes: piece.plain.sizeBytes,
  }))
  return [basket.add(xzHeader), ...blocks, basket.add(xzTrailer(records))]
}
