import { LarderError } from '../../core/index.ts'

/** A user and a password for Git over HTTP: a token, under whatever name the forge wants with it. */
export interface GitLogin {
  user: string
  password: string
}

/** A repository elsewhere, as the configuration names it: never as a payload does. */
export interface Remote {
  /** https, ssh, file or an absolute path; http to this machine only. Credentials in it are used and never shown. */
  url: string
  /** Where its refs are kept: `refs/remotes/<name>/…`. */
  name: string
  /** Asked before each exchange over HTTP: tokens of an App are renewed. */
  login?: (() => Promise<GitLogin | undefined>) | undefined
  /** Leave contents of files where they are until they are read (partial clone). Default: false. */
  isBlobless?: boolean | undefined
}

/** How git reaches a remote: an address that may be seen in a list of processes, and what may not in its environment. */
export interface RemoteAccess {
  address: string
  environment: Record<string, string>
}

const loopback = /^http:\/\/(?:[^\s/@]+@)?(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?\//

/** GIT_REF_REFUSED for addresses that are none, or that run a program. */
export async function accessTo({ url, login }: Pick<Remote, 'url' | 'login'>): Promise<RemoteAccess> {
  if (!/^(?:https:\/\/|ssh:\/\/|file:\/\/|\/)/.test(url) && !loopback.test(url)) {
    throw new LarderError('GIT_REF_REFUSED', {
      message: 'A repository is fetched by https, ssh or file only.',
      hint: 'Write the address as https://…, ssh://… or an absolute path.',
    })
  }
  if (!/^https?:/.test(url)) return { address: url, environment: {} }
  const { address, given } = await splitLogin({ url, login })
  const parsed = new URL(address)
  const protocols: Record<string, string> =
    parsed.protocol === 'http:' ? { GIT_ALLOW_PROTOCOL: 'file:http:https:ssh' } : {}
  if (given === undefined) return { address, environment: protocols }
  const basic = Buffer.from(`${given.user}:${given.password}`).toString('base64')
  // For this host alone, and not in the arguments, which every user of the host may read. Source: git-config(1).
  const environment = {
    ...protocols,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${parsed.origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  }
  return { address, environment }
}

/** The address without its login, and the login that counts: what is written in it, before what is asked for. */
export async function splitLogin({
  url,
  login,
}: Pick<Remote, 'url' | 'login'>): Promise<{ address: string; given: GitLogin | undefined }> {
  const parsed = new URL(url)
  const [user, password] = [decodeURIComponent(parsed.username), decodeURIComponent(parsed.password)]
  const asked = password === '' ? await login?.() : undefined
  const given = user === '' ? asked : { user, password: asked?.password ?? password }
  parsed.username = ''
  parsed.password = ''
  return { address: parsed.href, given }
}
