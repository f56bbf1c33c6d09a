import type { FileHandle } from 'node:fs/promises'
import { isLarderError } from '../../core/index.ts'
import { unpackToFile } from '../../unpack/index.ts'
import { unpackText, type PackedText } from './packed-text.ts'

/**
 * Writes the unpacked text to the beginning of a new file. What is packed by xz does not pass through this process: it would
 * come in thousands of small pieces, and leave as many behind in memory. Throws what unpackText does.
 */
export async function unpackInto(packed: PackedText, file: FileHandle, signal: AbortSignal): Promise<void> {
  const { format, exactBytes, label } = packed.form
  if (format === 'xz' && exactBytes !== undefined) {
    if (await isUnpacked(packed, file, { exactBytes, signal, label })) return
    await file.truncate(0)
  }
  let position = 0
  for await (const part of unpackText(packed, signal)) {
    for (let at = 0; at < part.length;) {
      const { bytesWritten } = await file.write(part, at, part.length - at, position)
      at += bytesWritten
      position += bytesWritten
    }
  }
}

/** False where the usual way is to say what is wrong. */
async function isUnpacked(
  packed: PackedText,
  file: FileHandle,
  options: { exactBytes: number; signal: AbortSignal; label: string },
): Promise<boolean> {
  try {
    await unpackToFile(await packed.read(), file, options)
    return true
  } catch (error) {
    if (isLarderError(error, 'DECOMPRESS_FAILED', 'DECOMPRESS_BOMB', 'TOOL_MISSING')) return false
    throw error
  }
}
