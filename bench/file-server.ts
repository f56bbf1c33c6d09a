import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'

export interface BenchServer {
  /** Without slash at the end. */
  url: string
  close(): Promise<void>
}

/** Answers with the bytes at a path (without leading slash), or says that there are none. */
export type Lookup = (path: string) => Promise<ServedBytes | undefined> | ServedBytes | undefined

export type ServedBytes = { file: string; sizeBytes: number; tag: string } | { bytes: Buffer; tag: string }

/** Files of a folder; `fetchMissing` may bring one that is not there yet. */
export function folderLookup(folder: string, fetchMissing?: (path: string, file: string) => Promise<void>): Lookup {
  const look = async (file: string): Promise<ServedBytes | undefined> => {
    const found = await stat(file).catch(() => undefined)
    return found?.isFile() === true
      ? { file, sizeBytes: found.size, tag: `"${found.size}-${Math.floor(found.mtimeMs)}"` }
      : undefined
  }
  return async (path) => {
    if (normalize(path) !== path || path.startsWith('..')) return undefined
    const file = join(folder, path)
    const found = await look(file)
    if (found !== undefined || fetchMissing === undefined) return found
    await fetchMissing(path, file)
    return look(file)
  }
}

/**
 * The same, kept in memory once it was asked for: where hundreds of small files are fetched, opening each of them
 * would take the server longer than either side takes to receive it, and would hold up both.
 */
export function keptInMemory(lookup: Lookup): Lookup {
  const kept = new Map<string, ServedBytes>()
  return async (path) => {
    const known = kept.get(path)
    if (known !== undefined) return known
    const found = await lookup(path)
    if (found === undefined || 'bytes' in found) return found
    const served = { bytes: await readFile(found.file), tag: found.tag }
    kept.set(path, served)
    return served
  }
}

/** A plain static server on the loopback, the same for both sides: GET, HEAD, ETag, If-None-Match, If-Modified-Since. */
export async function startBenchServer(lookup: Lookup): Promise<BenchServer> {
  const server = createServer((request, response) => {
    answer(request, response, lookup).catch((error: unknown) => response.destroy(error as Error))
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** All files are of one time, so that If-Modified-Since says "nothing new" as an unchanged distribution would. */
const modifiedAt = new Date('2026-01-01T00:00:00Z').toUTCString()

async function answer(request: IncomingMessage, response: ServerResponse, lookup: Lookup): Promise<void> {
  const path = decodeURIComponent((request.url ?? '/').slice(1))
  const found = await lookup(path)
  if (found === undefined) {
    response.writeHead(404).end()
    return
  }
  const headers = { etag: found.tag, 'last-modified': modifiedAt }
  const { 'if-none-match': ifNoneMatch, 'if-modified-since': ifModifiedSince } = request.headers
  if (ifNoneMatch === found.tag || (ifNoneMatch === undefined && ifModifiedSince === modifiedAt)) {
    response.writeHead(304, headers).end()
    return
  }
  const sizeBytes = 'bytes' in found ? found.bytes.length : found.sizeBytes
  response.writeHead(200, { ...headers, 'content-length': sizeBytes, 'content-type': 'application/octet-stream' })
  if (request.method === 'HEAD') response.end()
  else if ('bytes' in found) response.end(found.bytes)
  else await pipeline(createReadStream(found.file, { highWaterMark: 256 * 1024 }), response)
}
