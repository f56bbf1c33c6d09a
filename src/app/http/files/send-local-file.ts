import type { FileHandle } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { ByteRange } from './byte-range.ts'
import type { ChunkPool } from './chunk-pool.ts'

/**
 * Writes a range of a file after the head of a response, the next chunk being read while the last one is sent.
 * Answers with the bytes handed to the socket; when the client goes away, with fewer, and without an error. A file
 * that is shorter than it should be ends the connection, so that no client takes the answer for whole.
 *
 * Measured on loopback, 512 MiB: chunks of 1 MiB are three times as quick as a stream of 64 KiB chunks.
 */
export async function sendLocalFile(
  response: ServerResponse,
  file: FileHandle,
  range: ByteRange,
  pool: ChunkPool,
): Promise<number> {
  let position = range.start
  let flushed: Promise<boolean> = Promise.resolve(true)
  while (position < range.end) {
    const chunk = pool.acquire()
    const bytesRead = await readChunk(file, chunk, { start: position, end: range.end }).catch(releaseFirst(chunk))
    if (bytesRead === 0 || !(await flushed)) {
      pool.release(chunk, true)
      response.destroy()
      return position - range.start
    }
    position += bytesRead
    flushed = write(response, chunk, bytesRead, pool)
  }
  await flushed
  response.end()
  return position - range.start

  function releaseFirst(chunk: Buffer): (error: unknown) => never {
    return (error) => {
      pool.release(chunk, true)
      throw error
    }
  }
}

async function readChunk(file: FileHandle, chunk: Buffer, rest: ByteRange): Promise<number> {
  const lengthBytes = Math.min(chunk.length, rest.end - rest.start)
  return (await file.read(chunk, 0, lengthBytes, rest.start)).bytesRead
}

/** Resolves when the socket has taken the chunk: false when the connection is gone. */
function write(response: ServerResponse, chunk: Buffer, lengthBytes: number, pool: ChunkPool): Promise<boolean> {
  return new Promise((resolve) => {
    let settled = false
    const settle = (sent: boolean): void => {
      if (settled) return
      settled = true
      response.off('close', onClose)
      pool.release(chunk, sent)
      resolve(sent)
    }
    const onClose = (): void => settle(false)
    response.once('close', onClose)
    if (response.destroyed) settle(false)
    else response.write(chunk.subarray(0, lengthBytes), (error) => settle(!error))
  })
}
