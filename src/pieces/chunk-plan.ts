import { createHash } from 'node:crypto'
import { chunkBoundaries, type Cuttable } from './chunk-boundaries.ts'
import type { Chunk } from './piece.ts'

/**
 * Cuts sorted items into chunks; a chunk is known by what its items are known by, and rendered only when needed,
 * its items all at once. `kind` is part of the key: the same items give other bytes in another kind of index. An item
 * never changes what it is known by, and what is known of items of a kind is said by one function.
 */
export function planChunks<Item extends Cuttable>(
  kind: string,
  items: readonly Item[],
  how: { fingerprint: (item: Item) => string; render: (item: Item) => Buffer | Promise<Buffer> },
): Chunk[] {
  let start = 0
  return chunkBoundaries(items).map((end) => {
    const { key, some } = keyedStretch(kind, { items, start, end }, how.fingerprint)
    start = end
    return { key, render: () => joined(some.map((item) => how.render(item as Item))) }
  })
}

/** Items that were a chunk, and its key. */
interface Keyed {
  some: readonly object[]
  key: string
}

/** By the first item of a chunk, then by kind. */
const keyed = new WeakMap<object, Map<string, Keyed>>()

/** The very objects of an earlier chunk have its key: nothing is hashed for stretches whose items are kept in memory. */
function keyedStretch<Item extends Cuttable>(
  kind: string,
  { items, start, end }: { items: readonly Item[]; start: number; end: number },
  fingerprint: (item: Item) => string,
): Keyed {
  const first = items[start]!
  const kinds = keyed.get(first) ?? new Map<string, Keyed>()
  keyed.set(first, kinds)
  const known = kinds.get(kind)
  if (known !== undefined && isStretch(known.some, items, { start, end })) return known
  const some = items.slice(start, end)
  // One call for the whole chunk: a call costs as much as hashing 300 bytes.
  let text = kind
  for (const item of some) text += fingerprint(item)
  const made = { some, key: createHash('sha256').update(text).digest('hex') }
  kinds.set(kind, made)
  return made
}

function isStretch(
  some: readonly object[],
  items: readonly object[],
  { start, end }: { start: number; end: number },
): boolean {
  if (some.length !== end - start) return false
  for (let at = 0; at < some.length; at++) if (some[at] !== items[start + at]) return false
  return true
}

/** At once when all is at hand: to wait for each of many thousand stanzas would take longer than they do. */
function joined(parts: readonly (Buffer | Promise<Buffer>)[]): Buffer | Promise<Buffer> {
  return areBuffers(parts) ? Buffer.concat(parts) : joinedLater(parts)
}

async function joinedLater(parts: readonly (Buffer | Promise<Buffer>)[]): Promise<Buffer> {
  return Buffer.concat(await Promise.all(parts.map(async (part) => await part)))
}

function areBuffers(parts: readonly (Buffer | Promise<Buffer>)[]): parts is readonly Buffer[] {
  return parts.every((part) => part instanceof Buffer)
}
