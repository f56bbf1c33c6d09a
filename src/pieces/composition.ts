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

export type PieceCache = Pick<Cache, 'get' | 'put' | 'keys' | 'remove'>

/** Empty when there is none, or one of another form. */
export async function readComposition(cache: PieceCache, key: string): Promise<Composition> {
  const main = (await cache.get(space, key))?.value as Saved | undefined
  if (main?.form !== form) return noComposition
  const pieces: [string, Piece][] = []
  for (const row of await cache.keys(space, `${key}/`)) {
    const value = (await cache.get(space, row))?.value as SavedPieces | undefined
    if (value?.form === form) pieces.push(...value.pieces)
  }
  return { pieces: new Map(pieces), files: new Map(main.files), remembered: new Map(main.remembered) }
}

/**
 * A row for what is known of a mirror's files, and up to 64 for its pieces (300 bytes for 128 packages), told apart by
 * the first hexadecimal digits of the key: what changed is written, however much there is. Each row is good by itself,
 * so it does not matter if only some are written.
 */
export async function saveComposition(
  cache: PieceCache,
  key: string,
  next: Composition,
  earlier: Composition,
): Promise<void> {
  const [before, after] = [rowsOf(earlier.pieces), rowsOf(next.pieces)]
  for (const [row, pieces] of after) {
    if (sameKeys(new Map(pieces), new Map(before.get(row)))) continue
    const value: SavedPieces = { form, pieces }
    await cache.put(space, `${key}/${row}`, { value, blobs: [...new Set(pieces.flatMap(([, one]) => blobsOf(one)))] })
  }
  // What was found to be unusable is not in `earlier`, and must not be found again.
  const old =
    earlier === noComposition ? await cache.keys(space, `${key}/`) : [...before.keys()].map((row) => `${key}/${row}`)
  for (const row of old) if (!after.has(row.slice(key.length + 1))) await cache.remove(space, row)
  if ((['files', 'remembered'] as const).every((part) => sameKeys(next[part], earlier[part]))) return
  const value: Saved = { form, files: [...next.files], remembered: [...next.remembered] }
  await cache.put(space, key, { value })
}

/** Few pieces share a row, many are spread. */
function rowsOf(pieces: Composition['pieces']): Map<string, [string, Piece][]> {
  const mask = pieces.size <= 16 ? 0 : 63
  const rows = new Map<string, [string, Piece][]>()
  for (const one of pieces) {
    const row = (parseInt(one[0].slice(0, 2), 16) & mask).toString(16).padStart(2, '0')
    const there = rows.get(row)
    if (there === undefined) rows.set(row, [one])
    else there.push(one)
  }
  return rows
}

/** Only the digests of files that this composition has. */
export function usedDigests(
  known: ReadonlyMap<string, Digest>,
  files: readonly { parts?: readonly { digest: Digest; sizeBytes: number }[] }[],
): Map<string, Digest> {
  const keys = files.flatMap((file) => (file.parts === undefined ? [] : [ropeKey(file.parts)]))
  return new Map(keys.map((key) => [key, known.get(key)!]))
}

interface SavedPieces {
  form: number
  pieces: [string, Piece][]
}

interface Saved {
  form: number
  files: [string, Digest][]
  remembered: [string, readonly string[]][]
}

const space = 'pieces'
/** Changed with every change of how pieces are made, so that old ones are not used. */
const form = 3

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key))
}
