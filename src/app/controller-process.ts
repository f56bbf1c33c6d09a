import { rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { hookSecretsOf, readOrMakeSecrets, type DataFolder } from './data-folder.ts'
import type { HttpOptions } from './http/options.ts'
import { createServer, type HttpServer } from './http/server.ts'
import { openLarder, type Larder, type OpenLarderOptions } from './open-larder.ts'

export interface StartControllerOptions extends OpenLarderOptions {
  /** Address to listen on. */
  host: string
  /** 0: any free one. */
  port: number
  /** Address that people and clients are told, when it is not the one listened on: behind a proxy, say. */
  publicUrl?: string
  /** Whether whoever comes may push to the registry. Default: false. */
  openRegistry?: boolean
  /** Ask upstreams for news this often. Default: only when told to. */
  syncEveryMs?: number
}

export interface RunningController {
  url: string
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
    const server = await createServer({
      controller: larder.controller,
      token,
      ...(hooks === undefined ? {} : { hooks }),
      registry: await registryOf(larder, options),
      log: larder.context.log,
      ...(larder.connected === undefined ? { siteRepository: { path: dataFolder.siteRepository } } : {}),
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
    })
    listening = server
    const { port } = await server.listen({ host: options.host, port: options.port })
    const localHost = options.host === '0.0.0.0' || options.host === '::' ? '127.0.0.1' : options.host
    const url = `http://${localHost.includes(':') ? `[${localHost}]` : localHost}:${port}`
    larder.setPublicUrl(options.publicUrl ?? url)
    await writeFile(`${dataFolder.address}.new`, JSON.stringify({ url, pid: process.pid }))
    await rename(`${dataFolder.address}.new`, dataFolder.address)
    await larder.announcements.start()
    await larder.context.runner.start()
    await larder.news.settleDeliveries()
    await larder.housekeeping.start(options.syncEveryMs === undefined ? {} : { syncEveryMs: options.syncEveryMs })
    return {
      url,
      token,
      larder,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Who may do what in the registry. Secrets are made where there are none yet. */
async function registryOf(
  { config, context, secrets }: Larder,
  { dataFolder, openRegistry = false }: StartControllerOptions,
): Promise<NonNullable<HttpOptions['registry']>> {
  const { anonymousPull, users } = config.registry
  const [tokenKey = ''] = await readOrMakeSecrets(dataFolder.registryTokenKey)
  const known = users.map(async ({ name, passwordsFile = `registry-${name}`, pull, push }) => {
    const passwords = await readOrMakeSecrets(resolve(dataFolder.root, passwordsFile))
    secrets.add(...passwords)
    return { name, passwords, pull, push }
  })
  secrets.add(tokenKey)
  return {
    registry: context.registry,
    users: await Promise.all(known),
    anonymous: openRegistry ? 'everything' : anonymousPull ? 'pull' : 'nothing',
    tokenKey: Buffer.from(tokenKey),
  }
}

/** Webhooks come from the forge that has the site, and from no other. */
async function hooksOf({ connected }: Larder, dataFolder: DataFolder): Promise<HttpOptions['hooks']> {
  if (connected?.hosted === undefined) return undefined
  const secrets = await readOrMakeSecrets(hookSecretsOf(dataFolder, connected.config))
  return { forge: connected.hosted.forge, secrets: () => secrets }
}
