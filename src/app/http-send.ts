import { getCACertificates } from 'node:tls'
import type { Dispatcher } from 'undici'
import { LarderError } from '../core/index.ts'
import type { BytesSend, HttpSend } from '../forge/index.ts'
import type { AwsSend, OriginSend } from '../oci/index.ts'

export interface HttpSendOptions {
  /** http_proxy, https_proxy, no_proxy. */
  environment: NodeJS.ProcessEnv
  /** For the whole exchange. Default 30,000. */
  timeoutMs?: number
  /** Default 16 MiB. */
  maxAnswerBytes?: number
}

export interface HttpSender {
  send: HttpSend & AwsSend
  /** As `send`, for an answer that is no text. */
  sendForBytes: BytesSend & OriginSend
  close(): Promise<void>
}

/**
 * Small exchanges with forges and listeners: bounded in time and size, through the proxy of the environment. Redirects
 * are answers like others: nobody is led to another host. FORGE_UNREACHABLE.
 */
export function createHttpSender(options: HttpSendOptions): HttpSender {
  const { environment, timeoutMs = 30_000, maxAnswerBytes = 16 * 1024 * 1024 } = options
  // At first use: loading them and reading the system's certificates takes a while, and most sites ask no forge.
  let agent: Promise<Dispatcher> | undefined
  const exchange = async (
    { method, url, headers, body }: Parameters<HttpSend | AwsSend>[0],
    { signal, mostBytes }: { signal?: AbortSignal; mostBytes: number },
  ) => {
    const { request } = await import('undici')
    const dispatcher = await (agent ??= createAgent(environment))
    // Now: the time is that of the exchange.
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await request(url, {
        dispatcher,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      return { status: answer.statusCode, headers: answer.headers, bytes: await readBytes(answer.body, mostBytes) }
    } catch (cause) {
      if (signal?.aborted === true) throw new LarderError('CANCELLED', { message: 'The exchange was stopped.', cause })
      throw new LarderError('FORGE_UNREACHABLE', {
        message: `${new URL(url).host} does not answer: ${(cause as Error).message}.`,
        cause,
      })
    }
  }
  return {
    async send(asked, signal) {
      const { status, headers, bytes } = await exchange(asked, { signal, mostBytes: maxAnswerBytes })
      return { status, headers: singleHeaders(headers), text: bytes.toString('utf8') }
    },
    sendForBytes: (asked, limits) => exchange(asked, limits),
    close: async () => {
      await (await agent)?.close()
    },
  }
}

async function createAgent(environment: NodeJS.ProcessEnv): Promise<Dispatcher> {
  const { EnvHttpProxyAgent } = await import('undici')
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

async function readBytes(body: Dispatcher.ResponseData['body'], most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > most) throw new Error(`it answers with more than ${most} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function singleHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
