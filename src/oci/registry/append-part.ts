import { LarderError } from '../../core/index.ts'
import type { Upload } from '../../store/index.ts'
import type { UploadPart } from './registry.ts'

/**
 * Appends a part to an upload; what came before an error stays. `onProgress` is told the bytes that it holds. Answers
 * with them. OCI_RANGE_INVALID, OCI_SIZE_INVALID, DISK_FULL.
 */
export async function appendPart(
  upload: Upload,
  part: UploadPart,
  onProgress: (offsetBytes: number) => void,
): Promise<number> {
  const { startBytes, lengthBytes } = part
  if (startBytes !== undefined && startBytes !== upload.offsetBytes) {
    throw new LarderError('OCI_RANGE_INVALID', {
      message: `The part begins at byte ${startBytes}; the upload has ${upload.offsetBytes} bytes.`,
      hint: 'Ask for the state of the upload by GET, and go on from there.',
      context: { offsetBytes: upload.offsetBytes },
    })
  }
  const end = lengthBytes === undefined ? Infinity : upload.offsetBytes + lengthBytes
  try {
    for await (const step of part.body) {
      if (upload.offsetBytes + step.length > end) throw wrongLength('more', lengthBytes)
      await upload.append(step)
      onProgress(upload.offsetBytes)
    }
  } finally {
    onProgress(upload.offsetBytes)
  }
  if (end !== Infinity && upload.offsetBytes < end) throw wrongLength('fewer', lengthBytes)
  return upload.offsetBytes
}

function wrongLength(how: 'more' | 'fewer', lengthBytes: number | undefined): LarderError {
  return new LarderError('OCI_SIZE_INVALID', {
    message: `The part has ${how} than the ${lengthBytes ?? 0} bytes that were promised.`,
    hint: 'Ask for the state of the upload by GET, and go on from there.',
  })
}
