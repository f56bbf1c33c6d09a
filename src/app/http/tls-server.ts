import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:https'
import type { Server as NetServer } from 'node:net'
import type { HttpOptions } from './options.ts'

/** Of every server of ours, with TLS and without. */
export const serverTimeouts = {
  keepAliveTimeout: 75_000,
  headersTimeout: 60_000,
  // A push over a slow line takes its time.
  requestTimeout: 3_600_000,
}

interface TlsServer extends Pick<Server, 'closeAllConnections'> {
  listen(address: { host: string; port: number }): Promise<void>
  port(): number | undefined
  renew(): void
  close(): Promise<void>
}

/** The same answers over TLS 1.2 and 1.3. */
export function createTlsServer(options: {
  tls: NonNullable<HttpOptions['tls']>
  answerAny: RequestListener
}): TlsServer {
  const { certified } = options.tls
  const secureContext = (): { cert: string; key: string } => {
    const { certificate, key } = certified()
    return { cert: certificate, key }
  }
  const server = createServer({ ...serverTimeouts, ...secureContext() }, options.answerAny)
  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port }, () => {
          server.off('error', reject)
          resolve()
        })
      }),
    port: () => portOf(server),
    renew: () => {
      server.setSecureContext(secureContext())
    },
    closeAllConnections: () => {
      server.closeAllConnections()
    },
    close: () =>
      new Promise((resolve) => {
        // Answers an error when it was never listening, which is as good.
        server.close(() => {
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

export function portOf(server: NetServer): number | undefined {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : undefined
}
