import { rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { readOrMakeSecrets } from './data-folder.ts'
import { rememberAddress } from './last-address.ts'
import type { HttpOptions } from './http/options.ts'
import { createServer, type HttpServer } from './http/server.ts'
import { certificateOf, hooksOf, registryOf, tlsAddressOf } from './controller-services.ts'
import { createImageMeasures } from './measure-images.ts'
import { openLarder, type Larder, type OpenLarderOptions } from './open-larder.ts'
import type { ServerCertificate } from './tls/server-certificate.ts'

export interface StartControllerOptions extends OpenLarderOptions {
  /** Address to listen on. */
  host: string
  /** 0: any free one. */
  port: number
  /** Address that people and clients are told, when it is not the one listened on: behind a proxy, say. */
  publicUrl?: string
  /** Whether whoever comes may push to the registry. Default: false. */
  openRegistry?: boolean
  /** Address to serve TLS on besides. Default: what the configuration says, which mostly is none. */
  tls?: { host: string; port: number }
  /** Ask upstreams for news this often. Default: only when told to. */
  syncEveryMs?: number
}

export interface RunningController {
  url: string
  /** Where TLS is served, if it is. */
  tlsUrl: string | undefined
  /** Admin token, made at first start and kept in the data folder. */
  token: string
  larder: Larder
  stop(): Promise<void>
}

/** A Larder that serves: HTTP, the Git endpoint, hooks, runs and housekeeping. DATA_IN_USE, and what listening throws. */
export async function startController(options: StartControllerOptions): Promise<RunningController> {
  const { dataFolder } = options
  const larder = await openLarder(options)
  let listening: HttpServer | undefined
  const stop = async (): Promise<void> => {
    await Promise.all([listening?.close(), larder.stopWork()])
    await larder.close()
    await rm(dataFolder.address, { force: true })
  }
  try {
    const [token = ''] = await readOrMakeSecrets(dataFolder.adminToken)
    const hooks = await hooksOf(larder, dataFolder)
    larder.secrets.add(token, ...(hooks?.secrets() ?? []))
    const certificate = await certificateOf(larder, options)
    const server = await createServer({
      controller: larder.controller,
      token,
      ...(hooks === undefined ? {} : { hooks }),
      registry: await registryOf(larder, options),
      measure: createImageMeasures(larder.context, larder.housekeeping),
      ...(certificate === undefined ? {} : { tls: tlsOf(larder, certificate) }),
      log: larder.context.log,
      clock: larder.context.clock,
      ...(larder.connected === undefined ? { siteRepository: { path: dataFolder.siteRepository } } : {}),
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
      ...(larder.config.trustedProxies.length === 0 ? {} : { trustedProxies: larder.config.trustedProxies }),
    })
    listening = server
    const { port } = await server.listen({ host: options.host, port: options.port })
    const url = `http://${reachableAt(options.host)}:${port}`
    larder.setPublicUrl(options.publicUrl ?? url)
    const tlsUrl = await serveTls(larder, server, { ...options, certificate })
    await writeFile(`${dataFolder.address}.new`, JSON.stringify({ url, pid: process.pid }))
    await rename(`${dataFolder.address}.new`, dataFolder.address)
    await rememberAddress(larder.context.state, { host: options.host, port })
    await larder.announcements.start()
    await larder.context.runner.start()
    await larder.news.settleDeliveries()
    await larder.housekeeping.start(options.syncEveryMs === undefined ? {} : { syncEveryMs: options.syncEveryMs })
    larder.drift.start()
    return {
      url,
      tlsUrl,
      token,
      larder,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function tlsOf({ context }: Larder, certificate: ServerCertificate): NonNullable<HttpOptions['tls']> {
  return {
    certified: () => certificate.current(),
    authority: () => certificate.authority,
    registryHost: () => context.images.registryHost(),
  }
}

/** Every address of this host is reached at the loopback's, too. */
function reachableAt(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** Answers with the address, when TLS is served. */
async function serveTls(
  larder: Larder,
  server: HttpServer,
  options: StartControllerOptions & { certificate: ServerCertificate | undefined },
): Promise<string | undefined> {
  const { certificate } = options
  const address = options.tls ?? tlsAddressOf(larder.config)
  if (certificate === undefined || address === undefined) return undefined
  const { port } = await server.listenTls(address)
  const host = `localhost:${port}`
  const publicHost =
    larder.config.registry.publicHost ?? `${new URL(options.publicUrl ?? `https://${hostname()}`).hostname}:${port}`
  const caFile = certificate.isOwn ? join(options.dataFolder.tls, 'ca.crt') : undefined
  larder.setRegistry({ host, publicHost, caFile, authority: () => certificate.authority })
  larder.housekeeping.keepFresh('the TLS certificate', async () => {
    if (await certificate.renew()) server.renewTls()
  })
  return `https://${reachableAt(address.host)}:${port}`
}
