import { once } from 'node:events'
import type { Writable } from 'node:stream'

/**
 * Writes a source into a decoder at the pace of the decoder. Resolves when all was written, or when the decoder
 * stopped listening, which its own ending explains. Rejects only with what the source throws.
 */
export async function feed(source: AsyncIterable<Uint8Array>, sink: Writable): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    sink.once('close', resolve)
    sink.once('error', () => resolve())
  })
  for await (const chunk of source) {
    if (sink.destroyed || sink.writableEnded) return
    if (!sink.write(chunk)) await Promise.race([once(sink, 'drain').catch(() => undefined), closed])
  }
  if (!sink.destroyed) sink.end()
}
