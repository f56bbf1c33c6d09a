import type { FileHandle } from 'node:fs/promises'
import { isLarderError } from '../../core/index.ts'
import { unpackToFile } from '../../unpack/index.ts'
import { openNamelessFile } from '../nameless-file.ts'
import { unpackText, type PackedText } from './packed-text.ts'

const readBytes = 1024 * 1024

/**
 * The unpacked text in parts of 1 MiB, each valid until the next is asked for. What is packed by xz goes through a file
 * of the folder: it neither comes in thousands of small pieces nor leaves as many behind in memory. Throws what
 * unpackText does.
 */
export async function* textThroughFile(
  packed: PackedText,
  { folder, signal }: { folder: string; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const { format, exactBytes, label } = packed.form
  const file = format === 'xz' && exactBytes !== undefined ? await openNamelessFile(folder) : undefined
  try {
    const isThere = file !== undefined && (await unpacked(packed, file, { exactBytes: exactBytes!, signal, label }))
    yield* isThere ? partsOf(file) : unpackText(packed, signal)
  } finally {
    await file?.close()
  }
}

/** False where the usual way is to say what is wrong. */
async function unpacked(
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

async function* partsOf(file: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(readBytes)
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, readBytes, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}
