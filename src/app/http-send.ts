import { getCACertificates } from 'node:tls'
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici'
import { LarderError } from '../core/index.ts'
import type { HttpSend } from '../forge/index.ts'

export interface HttpSendOptions {
  /** http_proxy, https_proxy, no_proxy. */
  environment: NodeJS.ProcessEnv
  /** For the whole exchange. Default 30,000. */
  timeoutMs?: number
  /** Default 16 MiB. */
  maxAnswerBytes?: number
}

export interface HttpSender {
  send: HttpSend
  close(): Promise<void>
}

/**
 * Small exchanges with forges and listeners: bounded in time and size, through the proxy of the environment. Redirects
 * are answers like others: nobody is led to another host. FORGE_UNREACHABLE.
 */
export function createHttpSender(options: HttpSendOptions): HttpSender {
  const { environment, timeoutMs = 30_000, maxAnswerBytes = 16 * 1024 * 1024 } = options
  // At first use: reading the system's certificates takes a while.
  let agent: Dispatcher | undefined
  return {
    async send({ method, url, headers, body }, signal) {
      try {
        const answer = await request(url, {
          dispatcher: (agent ??= createAgent(environment)),
          method,
          headers,
          ...(body === undefined ? {} : { body }),
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        })
        return {
          status: answer.statusCode,
          headers: singleHeaders(answer.headers),
          text: await readText(answer.body, maxAnswerBytes),
        }
      } catch (cause) {
        if (signal.aborted) throw new LarderError('CANCELLED', { message: 'The exchange was stopped.', cause })
        throw new LarderError('FORGE_UNREACHABLE', {
          message: `${new URL(url).host} does not answer: ${(cause as Error).message}.`,
          cause,
        })
      }
    },
    close: async () => {
      await agent?.close()
    },
  }
}

function createAgent(environment: NodeJS.ProcessEnv): Dispatcher {
  const read = (name: string): string => environment[name] ?? environment[name.toUpperCase()] ?? ''
  // A forge of one's own may have an authority of the system's store, which Node alone does not read.
  const tls = { ca: [...getCACertificates('default'), ...getCACertificates('system')] }
  return new EnvHttpProxyAgent({
    httpProxy: read('http_proxy'),
    httpsProxy: read('https_proxy'),
    noProxy: read('no_proxy'),
    connect: { timeout: 10_000, ...tls },
    requestTls: tls,
  })
}

async function readText(body: Dispatcher.ResponseData['body'], most: number): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > most) throw new Error(`it answers with more than ${most} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function singleHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
