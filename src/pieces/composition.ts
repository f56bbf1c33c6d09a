import type { Digest } from '../core/index.ts'
import type { Cache } from '../state/index.ts'
import { blobsOf, type Piece } from './piece.ts'
import { ropeKey } from './rope.ts'

/** What is kept between two compositions of a mirror. */
export interface Composition {
  /** By chunk key. */
  pieces: ReadonlyMap<string, Piece>
  /** Digests of whole files, by the digests of their parts. */
  files: ReadonlyMap<string, Digest>
  /** Keys of chunks that their owner made from what is dear to read: by a key of the owner. */
  remembered: Remembered
}

export type Remembered = ReadonlyMap<string, readonly string[]>

export const noComposition: Composition = { pieces: new Map(), files: new Map(), remembered: new Map() }

export type PieceCache = Pick<Cache, 'get' | 'put'>

/** Empty when there is none, or one of another form. */
export async function readComposition(cache: PieceCache, key: string): Promise<Composition> {
  const entry = await cache.get(space, key)
  const value = entry?.value as Saved | undefined
  if (value?.form !== form) return noComposition
  return { pieces: new Map(value.pieces), files: new Map(value.files), remembered: new Map(value.remembered) }
}

/**
 * One row for all indices of a mirror, 300 bytes for 128 packages: one durable write, and what is no longer used
 * goes by itself. Not written when nothing is new.
 */
export async function saveComposition(
  cache: PieceCache,
  key: string,
  next: Composition,
  earlier: Composition,
): Promise<void> {
  const unchanged = (['pieces', 'files', 'remembered'] as const).every((part) => sameKeys(next[part], earlier[part]))
  if (unchanged) return
  const value: Saved = { form, pieces: [...next.pieces], files: [...next.files], remembered: [...next.remembered] }
  const blobs = new Set([...next.pieces.values()].flatMap(blobsOf))
  await cache.put(space, key, { value, blobs: [...blobs] })
}

/** Only the digests of files that this composition has. */
export function usedDigests(
  known: ReadonlyMap<string, Digest>,
  files: readonly { parts?: readonly { digest: Digest; sizeBytes: number }[] }[],
): Map<string, Digest> {
  const keys = files.flatMap((file) => (file.parts === undefined ? [] : [ropeKey(file.parts)]))
  return new Map(keys.map((key) => [key, known.get(key)!]))
}

interface Saved {
  form: number
  pieces: [string, Piece][]
  files: [string, Digest][]
  remembered: [string, readonly string[]][]
}

const space = 'pieces'
/** Changed with every change of how pieces are made, so that old ones are not used. */
const form = 2

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key))
}
