import { createHash } from 'node:crypto'
import { chunkBoundaries, type Cuttable } from './chunk-boundaries.ts'
import type { Chunk } from './piece.ts'

/**
 * Cuts sorted items into chunks; a chunk is known by what its items are known by, and rendered only when needed,
 * its items all at once. `kind` is part of the key: the same items give other bytes in another kind of index.
 */
export function planChunks<Item extends Cuttable>(
  kind: string,
  items: readonly Item[],
  how: { fingerprint: (item: Item) => string; render: (item: Item) => Buffer | Promise<Buffer> },
): Chunk[] {
  let start = 0
  return chunkBoundaries(items).map((end) => {
    const some = items.slice(start, end)
    start = end
    // One call for the whole chunk: a call costs as much as hashing 300 bytes.
    let known = kind
    for (const item of some) known += how.fingerprint(item)
    return {
      key: createHash('sha256').update(known).digest('hex'),
      render: () => joined(some.map(how.render)),
    }
  })
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
