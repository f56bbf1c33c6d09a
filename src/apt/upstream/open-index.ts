import { decompress } from '../../unpack/index.ts'
import type { BlobStore } from '../../store/index.ts'
import type { SuiteIndex } from './suite.ts'

/** Unpacked size that is allowed when Release does not tell it: text packs to no less than a fiftieth. */
const maxRatio = 50
const maxUnknownBytes = 4 * 1024 ** 3

/** The unpacked text of an index, held to the size that Release signed. BLOB_MISSING, DECOMPRESS_*, CANCELLED. */
export async function* openIndex(
  store: BlobStore,
  index: Pick<SuiteIndex, 'digest' | 'format' | 'sizeBytes' | 'uncompressed' | 'path'>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const source = await store.read(index.digest)
  const exactBytes = index.format === 'plain' ? index.sizeBytes : index.uncompressed?.sizeBytes
  const guessBytes = Math.min(maxUnknownBytes, index.sizeBytes * maxRatio + 1024 ** 2)
  yield* decompress(source, index.format, {
    maxBytes: exactBytes ?? guessBytes,
    ...(exactBytes === undefined ? {} : { exactBytes }),
    signal,
    label: index.path,
  })
}
