import { createHash } from 'node:crypto'
import { chunkBoundaries } from './chunk-boundaries.ts'
import type { Chunk } from './piece.ts'

/**
 * Cuts sorted items into chunks; a chunk is known by what its items are known by, and rendered only when needed.
 * `kind` is part of the key: the same items give other bytes in another kind of index.
 */
export function planChunks<Item extends { name: string; fingerprint: string }>(
  kind: string,
  items: readonly Item[],
  render: (item: Item) => Buffer | undefined,
): Chunk[] {
  let start = 0
  return chunkBoundaries(items.map((item) => item.name)).map((end) => {
    const some = items.slice(start, end)
    start = end
    const key = createHash('sha256').update(kind)
    for (const item of some) key.update(item.fingerprint)
    return {
      key: key.digest('hex'),
      render: () => Buffer.concat(some.flatMap((item) => render(item) ?? [])),
    }
  })
}
