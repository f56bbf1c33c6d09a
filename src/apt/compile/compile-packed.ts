import { writeIndex, type CompileOptions } from '../compile-index.ts'
import { compileInWorker } from './compile-in-worker.ts'
import { unpackText, type PackedText } from './packed-text.ts'

/** Less than this is compiled before a thread has begun. Packed. */
const threadFromBytes = 1024 * 1024

/**
 * Unpacks an index and compiles it into a file of the cache: a large one in a thread of its own, so that this one goes on.
 * APT_STANZA_MALFORMED, DECOMPRESS_*, CANCELLED, and what reading throws.
 */
export async function compilePacked(packed: PackedText, options: CompileOptions, signal: AbortSignal): Promise<void> {
  if (packed.sizeBytes < threadFromBytes) await writeIndex(unpackText(packed, signal), options)
  else await compileInWorker(await packed.read(), { form: packed.form, options }, signal)
}
