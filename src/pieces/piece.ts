import type { Digest } from '../core/index.ts'

export type Encoding = 'gz' | 'xz'

export const allEncodings: readonly Encoding[] = ['gz', 'xz']

/** A blob in a row of blobs. */
export interface Part {
  digest: Digest
  sizeBytes: number
}

/** A chunk of an index as it lies in the store: plain, and compressed ready to be put between others. JSON. */
export interface Piece {
  plain: Part
  crc32: number
  gz?: Part
  /** With padding; `unpaddedSizeBytes` is what the index of the stream says. Missing when the host has no xz. */
  xz?: Part & { unpaddedSizeBytes: number }
}

/** A stretch of an index. */
export interface Chunk {
  /** Known without the bytes: equal keys, equal bytes. */
  key: string
  /** Only called when no piece is known by the key, and for one chunk after the other. May be empty. */
  render(): Buffer | Promise<Buffer>
}

/** An index file to be made of chunks. */
export interface IndexPlan {
  /** In the repository. */
  path: string
  chunks: readonly Chunk[]
  /** What it is served as besides plain. Default: both. */
  encodings?: readonly Encoding[]
}

export function blobsOf(piece: Piece): Digest[] {
  return [piece.plain, piece.gz, piece.xz].flatMap((part) => (part === undefined ? [] : [part.digest]))
}

export function hasEncodings(piece: Piece, encodings: readonly Encoding[]): boolean {
  return piece.plain.sizeBytes === 0 || encodings.every((encoding) => piece[encoding] !== undefined)
}
