import type { FileHandle } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { ByteRange } from './byte-range.ts'
import { CachedReads } from './cached-reads.ts'
import type { Chunk, SharedChunks } from './shared-chunks.ts'

/**
 * Writes a range of a file after the head of a response, the next chunk being read while the last one is sent.
 * Answers with the bytes handed to the socket; when the client goes away, with fewer, and without an error. A file
 * that is shorter than it should be ends the connection, so that no client takes the answer for whole.
 */
export async function sendLocalFile(
  response: ServerResponse,
  file: { handle: FileHandle; path: string },
  range: ByteRange,
  chunks: SharedChunks,
): Promise<number> {
  const reads = new CachedReads(file.handle)
  const source = { key: file.path, read: (into: Buffer, position: number) => reads.read(into, position) }
  let position = range.start
  let flushed: Promise<boolean> = Promise.resolve(true)
  while (position < range.end) {
    const chunk = await chunks.take(source, { start: position, end: range.end })
    if (chunk.bytes.length === 0 || !(await flushed)) {
      chunk.release(true)
      response.destroy()
      return position - range.start
    }
    position += chunk.bytes.length
    flushed = write(response, chunk)
  }
  await flushed
  response.end()
  return position - range.start
}

/** Resolves when the socket has taken the chunk: false when the connection is gone. */
function write(response: ServerResponse, chunk: Chunk): Promise<boolean> {
  return new Promise((resolve) => {
    let settled = false
    const settle = (sent: boolean): void => {
      if (settled) return
      settled = true
      response.off('close', onClose)
      chunk.release(sent)
      resolve(sent)
    }
    const onClose = (): void => settle(false)
    response.once('close', onClose)
    if (response.destroyed) settle(false)
    else response.write(chunk.bytes, (error) => settle(!error))
  })
}
