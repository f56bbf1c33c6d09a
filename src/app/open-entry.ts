import { Readable } from 'node:stream'
import type { TreeEntry } from '../publish/index.ts'
import type { BlobStore, LocalBlobs } from '../store/index.ts'

interface OpenedEntry {
  open(range?: { start: number; end: number }): Readable
  localPath?: string
}

/** The bytes of a tree's entry, whether it is one blob or several one after the other. */
export function openEntry(store: BlobStore & LocalBlobs, entry: TreeEntry): OpenedEntry {
  const parts = entry.parts ?? [{ digest: entry.digest, sizeBytes: entry.sizeBytes }]
  const open = (range = { start: 0, end: entry.sizeBytes }): Readable =>
    Readable.from(readParts(store, parts, range), { objectMode: false })
  const [only] = parts
  if (parts.length !== 1 || only === undefined) return { open }
  return { open, localPath: store.localPath(only.digest) }
}

async function* readParts(
  store: BlobStore,
  parts: NonNullable<TreeEntry['parts']>,
  range: { start: number; end: number },
): AsyncIterable<Buffer> {
  let offset = 0
  for (const part of parts) {
    const start = Math.max(range.start - offset, 0)
    const end = Math.min(range.end - offset, part.sizeBytes)
    offset += part.sizeBytes
    if (start < end) yield* (await store.read(part.digest, { start, end })) as AsyncIterable<Buffer>
    if (offset >= range.end) return
  }
}
