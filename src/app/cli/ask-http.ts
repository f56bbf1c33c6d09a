import type { IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { http } from '../node-http.ts'

export interface AskHttpOptions {
  /** Default `GET`. */
  method?: 'GET' | 'POST'
  headers?: Readonly<Record<string, string>>
  body?: string | Readable
  signal: AbortSignal
}

/** A verify of a large mirror takes as long as its disk needs. */
const silenceMs = 6 * 3600_000

/**
 * One small exchange, by what comes with Node: the library that downloads go through would take longer to load than most
 * commands take. Redirects are answers like others. Throws what Node does, and the reason of the signal.
 */
export async function askHttp(url: string, options: AskHttpOptions): Promise<{ status: number; text: string }> {
  const answer = await send(url, options)
  const parts: Buffer[] = []
  for await (const part of answer) parts.push(part as Buffer)
  return { status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }
}

function send(url: string, { method = 'GET', headers = {}, body, signal }: AskHttpOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestHttps : http.request
    const asking = request(url, { method, headers, signal, timeout: silenceMs }, resolve)
    // One that answers before it has read all may close the connection: then its answer counts, and not this.
    asking.on('error', reject)
    asking.on('timeout', () => asking.destroy(new Error(`nothing came for ${silenceMs / 1000} s`)))
    if (body === undefined || typeof body === 'string') asking.end(body)
    else body.on('error', (error) => asking.destroy(error)).pipe(asking)
  })
}
