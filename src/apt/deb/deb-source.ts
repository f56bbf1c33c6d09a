import { type Digest, LarderError } from '../../core/index.ts'
import type { BlobStore } from '../../store/index.ts'

/** The bytes of a .deb, wherever they lie. */
export interface DebSource {
  sizeBytes: number
  /** Named in errors. */
  label: string
  /** Bytes from `start` to `end`, exclusive. */
  read(range: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>
}

/** BLOB_MISSING. */
export async function debInStore(store: BlobStore, digest: Digest, label: string): Promise<DebSource> {
  const stat = await store.stat(digest)
  if (stat === undefined)
    throw new LarderError('BLOB_MISSING', { message: `${label} (${digest}) is not in the store.` })
  return { sizeBytes: stat.sizeBytes, label, read: (range) => store.read(digest, range) }
}

export function debInMemory(bytes: Uint8Array, label: string): DebSource {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    sizeBytes: buffer.length,
    label,
    read: ({ start, end }) => Promise.resolve(once(buffer.subarray(start, end))),
  }
}

/** Whole of a small range. */
export async function readRange(source: DebSource, range: { start: number; end: number }): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await source.read(range)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function malformed(label: string, why: string): LarderError {
  return new LarderError('APT_DEB_MALFORMED', {
    message: `${label} is not a sound .deb: ${why}.`,
    hint: 'Check it with `dpkg-deb --info`; if the upstream serves it so, tell its maintainers.',
    context: { label },
  })
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  await Promise.resolve()
  yield bytes
}
