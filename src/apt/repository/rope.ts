import { createHash } from 'node:crypto'
import { digestFromHex, digestOf, type Digest } from '../../core/digest.ts'
import type { TreeEntry } from '../../publish/index.ts'
import type { BlobBasket } from './blob-basket.ts'
import type { Part } from './piece.ts'

export type Content = Pick<TreeEntry, 'digest' | 'sizeBytes' | 'parts'>

/**
 * Content put together from blobs without copying them. The checksum of the whole is the only work that grows
 * with the mirror (1.5 GB/s), and it is done once for each sequence of parts: `known` holds what was found before.
 */
export async function joinParts(
  parts: readonly Part[],
  basket: BlobBasket,
  known: Map<string, Digest>,
): Promise<Content> {
  const filled = parts.filter((part) => part.sizeBytes > 0)
  if (filled.length === 0) return basket.add(Buffer.alloc(0))
  if (filled.length === 1) return { digest: filled[0]!.digest, sizeBytes: filled[0]!.sizeBytes }
  const sizeBytes = filled.reduce((sum, part) => sum + part.sizeBytes, 0)
  const key = ropeKey(filled)
  const digest = known.get(key) ?? (await digestOfParts(filled, basket))
  known.set(key, digest)
  return { digest, sizeBytes, parts: filled.map((part) => ({ digest: part.digest, sizeBytes: part.sizeBytes })) }
}

export function ropeKey(parts: readonly Part[]): string {
  return digestOf(parts.map((part) => part.digest).join('\n'))
}

async function digestOfParts(parts: readonly Part[], basket: BlobBasket): Promise<Digest> {
  const hash = createHash('sha256')
  for (let start = 0; start < parts.length; start += readAhead) {
    const some = parts.slice(start, start + readAhead)
    // Reads of what is not at hand overlap; what is at hand waits for nothing.
    const bytes = some.map((part) => basket.peek(part.digest) ?? basket.read(part.digest))
    for (const piece of bytes) hash.update(piece instanceof Promise ? await piece : piece)
  }
  return digestFromHex(hash.digest('hex'))
}

const readAhead = 16
