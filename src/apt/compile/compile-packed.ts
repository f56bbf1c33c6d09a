import { writeIndex, type CompileOptions } from '../compile-index.ts'
import { compileInWorker } from './compile-in-worker.ts'
import { unpackText, type PackedText } from './packed-text.ts'
import type { SpareWorker } from './spare-worker.ts'

/** Less than this is compiled before a thread has begun. Packed. */
const threadFromBytes = 1024 * 1024

export function wantsThread({ sizeBytes }: { sizeBytes: number }): boolean {
  return sizeBytes >= threadFromBytes
}

/**
 * Unpacks an index and compiles it into a file of the cache: a large one in a thread of its own, so that this one goes on.
 * APT_STANZA_MALFORMED, DECOMPRESS_*, CANCELLED, and what reading throws.
 */
export async function compilePacked(
  packed: PackedText,
  options: CompileOptions,
  { signal, spare }: { signal: AbortSignal; spare?: SpareWorker },
): Promise<void> {
  if (!wantsThread(packed)) return writeIndex(unpackText(packed, signal), options)
  const source = await packed.read()
  const worker = spare?.take()
  await compileInWorker(source, { form: packed.form, options }, { signal, ...(worker && { worker }) })
}
