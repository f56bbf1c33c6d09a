import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { ControllerConfig } from './config/controller-config.ts'
import type { StartControllerOptions } from './controller-process.ts'
import { hookSecretsOf, readOrMakeSecrets, type DataFolder } from './data-folder.ts'
import type { HttpOptions } from './http/options.ts'
import type { Larder } from './open-larder.ts'
import type { ServerCertificate } from './tls/server-certificate.ts'

/** Who may do what in the registry. Secrets are made where there are none yet. */
export async function registryOf(
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
    registry: context.registryCache.registry,
    users: await Promise.all(known),
    anonymous: openRegistry ? 'everything' : anonymousPull ? 'pull' : 'nothing',
    tokenKey: Buffer.from(tokenKey),
  }
}

/** Webhooks come from the forge that has the site, and from no other. */
export async function hooksOf({ connected }: Larder, dataFolder: DataFolder): Promise<HttpOptions['hooks']> {
  if (connected?.hosted === undefined) return undefined
  const secrets = await readOrMakeSecrets(hookSecretsOf(dataFolder, connected.config))
  return { forge: connected.hosted.forge, secrets: () => secrets }
}

/** Where the configuration wants TLS served, if it does. */
export function tlsAddressOf({ tls }: ControllerConfig): { host: string; port: number } | undefined {
  if (tls === undefined) return undefined
  const colon = tls.listen.lastIndexOf(':')
  const host = tls.listen.slice(0, colon).replace(/^\[|\]$/g, '')
  return { host: host === '' ? '0.0.0.0' : host, port: Number(tls.listen.slice(colon + 1)) }
}

/** What TLS is served with; undefined when it is not. TLS_UNUSABLE. */
export async function certificateOf(
  { config }: Larder,
  { dataFolder, clock, publicUrl, tls }: StartControllerOptions,
): Promise<ServerCertificate | undefined> {
  if (config.tls === undefined && tls === undefined) return undefined
  const { certificateFile, keyFile, authorityFile, names = [] } = config.tls ?? {}
  const inFolder = (path: string): string => resolve(dataFolder.root, path)
  const authority = authorityFile === undefined ? undefined : inFolder(authorityFile)
  // Loaded where it is used: most starts need none of it.
  const { openServerCertificate } = await import('./tls/server-certificate.ts')
  return openServerCertificate({
    folder: dataFolder.tls,
    site: hostname(),
    clock,
    names: [...names, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')])],
    ...(certificateFile === undefined || keyFile === undefined
      ? {}
      : { files: { certificate: inFolder(certificateFile), key: inFolder(keyFile), authority } }),
  })
}
