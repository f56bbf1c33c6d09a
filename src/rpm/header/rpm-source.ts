import { closeSync, openSync, readSync } from 'node:fs'
import { type Digest, LarderError } from '../../core/index.ts'
import type { BlobStore, LocalBlobs } from '../../store/index.ts'

/** The bytes of an .rpm, wherever they lie. */
export interface RpmSource {
  sizeBytes: number
  /** Named in errors. */
  label: string
  /** Bytes from `start` to `end`, exclusive. */
  read(range: { start: number; end: number }): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>
}

/** What is asked of the store. */
export type RpmStore = Pick<BlobStore, 'stat' | 'read'> & Partial<LocalBlobs>

/** BLOB_MISSING. */
export async function rpmInStore(store: RpmStore, digest: Digest, label: string): Promise<RpmSource> {
  const stat = await store.stat(digest)
  if (stat === undefined)
    throw new LarderError('BLOB_MISSING', { message: `${label} (${digest}) is not in the store.` })
  const { sizeBytes } = stat
  const path = store.localPath?.(digest)
  return {
    sizeBytes,
    label,
    read: path === undefined ? (range) => store.read(digest, range) : readerOf(path, sizeBytes),
  }

  function readerOf(file: string, size: number): RpmSource['read'] {
    let whole: Buffer | undefined
    return ({ start, end }) => {
      if (size <= maxBytesAtOnce) {
        whole ??= readAtOnce(file, { start: 0, end: size })
        return Promise.resolve([whole.subarray(start, end)])
      }
      if (end - start <= maxBytesAtOnce) return Promise.resolve([readAtOnce(file, { start, end })])
      return store.read(digest, { start, end })
    }
  }
}

/** Longer ranges are streamed; shorter files are read once. */
const maxBytesAtOnce = 64 * 1024

/** For thousands of headers: three calls of microseconds each, which through the thread pool cost three times that. */
function readAtOnce(path: string, { start, end }: { start: number; end: number }): Buffer {
  const bytes = Buffer.allocUnsafe(end - start)
  const file = openSync(path, 'r')
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start))
  } finally {
    closeSync(file)
  }
}

export function rpmInMemory(bytes: Uint8Array, label: string): RpmSource {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    sizeBytes: buffer.length,
    label,
    read: ({ start, end }) => Promise.resolve([buffer.subarray(start, end)]),
  }
}

/** As much as there is of a small range. */
export async function readRange(source: RpmSource, range: { start: number; end: number }): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await source.read({ start: range.start, end: Math.min(range.end, source.sizeBytes) }))
    chunks.push(chunk)
  const [first] = chunks
  const isOne = chunks.length === 1 && first !== undefined
  return isOne ? Buffer.from(first.buffer, first.byteOffset, first.length) : Buffer.concat(chunks)
}

export function malformed(label: string, why: string): LarderError {
  return new LarderError('RPM_MALFORMED', {
    message: `${label} is not a sound .rpm: ${why}.`,
    hint: 'Check it with `rpm -K` and `rpm -qp --info`; if the upstream serves it so, tell its maintainers.',
    context: { label },
  })
}
