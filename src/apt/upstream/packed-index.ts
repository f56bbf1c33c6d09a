import type { BlobStore } from '../../store/index.ts'
import type { PackedText } from '../compile/packed-text.ts'
import type { SuiteIndex } from './suite.ts'

/** Unpacked size that is allowed when Release does not tell it: text packs to no less than a fiftieth. */
const maxRatio = 50
const maxUnknownBytes = 4 * 1024 ** 3

/** An index as it lies in the store, held to the size that Release signed when it is unpacked. Reading: BLOB_MISSING. */
export function packedIndex(
  store: BlobStore,
  index: Pick<SuiteIndex, 'digest' | 'format' | 'sizeBytes' | 'uncompressed' | 'path'>,
): PackedText {
  const { digest, format, sizeBytes, path: label } = index
  const exactBytes = format === 'plain' ? sizeBytes : index.uncompressed?.sizeBytes
  const maxBytes = exactBytes ?? Math.min(maxUnknownBytes, sizeBytes * maxRatio + 1024 ** 2)
  const form = { format, maxBytes, ...(exactBytes === undefined ? {} : { exactBytes }), label }
  return { read: () => store.read(digest), form }
}
