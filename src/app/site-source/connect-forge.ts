import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { LarderError, type Clock, type KnownSecrets } from '../../core/index.ts'
import { forgeNamed, type ForgeCredentials, type ForgeName, type HttpSend, type Remote } from '../../forge/index.ts'
import type { ForgeConfig } from '../config/controller-config.ts'
import { remoteName, type ConnectedForge } from './connected-forge.ts'

export interface ConnectOptions {
  config: ForgeConfig
  /** Root of the data folder: files are relative to it. */
  root: string
  send: HttpSend
  clock: Clock
  /** Is told of what is read. */
  secrets: KnownSecrets
}

/** CONFIG_INVALID when a file that is named cannot be read, or where the repository is cannot be told. */
export async function connectForge({ config, root, send, clock, secrets }: ConnectOptions): Promise<ConnectedForge> {
  if (URL.canParse(config.url)) secrets.add(decodeURIComponent(new URL(config.url).password))
  const remote = { url: config.url, name: remoteName, isBlobless: config.fetch === 'blobless' }
  const credentials = await readCredentials(config, root)
  secrets.add(credentials?.kind === 'token' ? credentials.token : credentials?.privateKey)
  const name = forgeOf(config)
  if (name === undefined) return { config, remote: { ...remote, login: loginBy(credentials) }, hosted: undefined }
  const forge = forgeNamed(name)
  const repository = config.repository ?? repositoryIn(config.url)
  const url = config.api ?? apiOf(name, config.url)
  const onToken = (token: string): void => secrets.addPassing(token)
  const api = forge.api({ url, repository, credentials, send, now: () => clock.now(), onToken })
  return { config, remote: { ...remote, login: () => api.gitLogin() }, hosted: { forge, repository, api } }
}

/** Plain Git: servers that take a token take it as the password, whoever it is of. */
function loginBy(credentials: ForgeCredentials | undefined): Remote['login'] {
  if (credentials?.kind !== 'token') return undefined
  return () => Promise.resolve({ user: 'git', password: credentials.token })
}

/** Undefined: plain Git. */
function forgeOf({ type }: ForgeConfig): ForgeName | undefined {
  if (type === 'git') return undefined
  return type === 'forgejo' ? 'gitea' : type
}

async function readCredentials({ tokenFile, app }: ForgeConfig, root: string): Promise<ForgeCredentials | undefined> {
  if (app !== undefined) {
    const privateKey = await readSecret(root, app.keyFile)
    return { kind: 'app', appId: app.id, installationId: app.installation, privateKey }
  }
  return tokenFile === undefined ? undefined : { kind: 'token', token: (await readSecret(root, tokenFile)).trim() }
}

async function readSecret(root: string, file: string): Promise<string> {
  try {
    return await readFile(resolve(root, file), 'utf8')
  } catch (cause) {
    throw new LarderError('CONFIG_INVALID', {
      message: `The file ${resolve(root, file)} that controller.yaml names cannot be read: ${(cause as Error).message}`,
      hint: 'Put the token or key there, readable for the user that Larder runs as.',
      cause,
    })
  }
}

/** `https://git.example.org/campus/site.git` → `campus/site` */
function repositoryIn(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : url
  const name = decodeURIComponent(path)
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
  if (/^[\w.-]+(?:\/[\w.-]+)+$/.test(name) && !url.startsWith('file:') && !url.startsWith('/')) return name
  throw new LarderError('CONFIG_INVALID', {
    message: `controller.yaml does not say which repository of the forge ${url} is.`,
    hint: 'Add repository: owner/name to the section forge.',
  })
}

/** The public service has its API at another host; servers of one's own have it below their address. */
function apiOf(name: ForgeName, url: string): string {
  const host = URL.canParse(url) ? new URL(url) : undefined
  if (host === undefined || host.host === '') {
    throw new LarderError('CONFIG_INVALID', {
      message: `controller.yaml does not say where the API of the forge is, and ${url} does not tell.`,
      hint: 'Add api: https://… to the section forge.',
    })
  }
  const origin = host.protocol.startsWith('http') ? `${host.protocol}//${host.host}` : `https://${host.hostname}`
  if (name === 'github') return host.hostname === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`
  return name === 'gitlab' ? `${origin}/api/v4` : `${origin}/api/v1`
}
