import { parseJson, type Clock, isLarderError, LarderError } from '../../core/index.ts'
import { maxManifestBytes } from '../manifest.ts'
import { mediaTypes } from '../media-type.ts'
import { isOciDigest, type OciDigest, type Reference, type RepositoryName } from '../reference.ts'
import { type Challenge, parseChallenge } from './challenge.ts'

/** A small exchange over HTTP; redirects are answers like others. What it throws: FORGE_UNREACHABLE, CANCELLED. */
export type OriginSend = (
  asked: { method: string; url: string; headers: Record<string, string> },
  limits: { mostBytes: number },
) => Promise<{ status: number; headers: Record<string, string | string[] | undefined>; bytes: Buffer }>

export interface OriginOptions {
  /** Without a slash at the end; `/v2/` follows. https, or http to this host. */
  url: string
  login?: { user: string; password: string } | undefined
  send: OriginSend
  clock: Clock
}

interface Answer {
  status: number
  header: (name: string) => string | undefined
  bytes: Buffer
}

/** Longest time that a token is used for; most hold for five minutes. */
const mostTokenMs = 3_600_000
const usualTokenMs = 60_000
const mostRedirects = 5
const mostChallengeLength = 4096
const acceptManifests = [
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerList,
  mediaTypes.dockerManifest,
  mediaTypes.artifact,
].join(', ')

/**
 * Another registry, asked as its clients ask it: with a token for each repository where it wants one. Every question
 * throws OCI_ORIGIN_UNAVAILABLE when it does not answer or lets us not in, OCI_ORIGIN_WRONG when what it says makes no sense.
 */
export class Origin {
  readonly #options: OriginOptions
  readonly #authorizations = new Map<string, { value: string; until: number }>()

  constructor(options: OriginOptions) {
    this.#options = options
  }

  /** What a tag means now. `{}`: it is there, and only its bytes tell the digest. Undefined: there is none. */
  async resolve(repository: RepositoryName, reference: Reference): Promise<{ digest?: OciDigest } | undefined> {
    const answer = await this.#ask('HEAD', repository, `manifests/${textOf(reference)}`, { accept: acceptManifests })
    if (answer === undefined) return undefined
    const digest = answer.header('docker-content-digest') ?? ''
    return isOciDigest(digest) ? { digest } : {}
  }

  /** Its bytes, not yet compared with anything. Undefined: there is none. */
  async manifest(
    repository: RepositoryName,
    reference: Reference,
  ): Promise<{ bytes: Buffer; contentType: string | undefined } | undefined> {
    const answer = await this.#ask('GET', repository, `manifests/${textOf(reference)}`, { accept: acceptManifests })
    if (answer === undefined) return undefined
    return { bytes: answer.bytes, contentType: answer.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() }
  }

  /** Whether it gives the blob to us, how large it says that it is, and how it is asked for. Undefined: there is none. */
  async blob(
    repository: RepositoryName,
    digest: OciDigest,
  ): Promise<{ url: string; authorization: string | undefined; sizeBytes: number | undefined } | undefined> {
    const answer = await this.#ask('HEAD', repository, `blobs/${digest}`, {})
    if (answer === undefined) return undefined
    const length = answer.header('content-length') ?? ''
    const url = this.#address(repository, `blobs/${digest}`)
    const authorization = this.#authorizations.get(repository)?.value
    return { url, authorization, sizeBytes: /^\d{1,15}$/.test(length) ? Number(length) : undefined }
  }

  #address(repository: RepositoryName, path: string): string {
    return `${this.#options.url}/v2/${repository}/${path}`
  }

  async #ask(
    method: 'GET' | 'HEAD',
    repository: RepositoryName,
    path: string,
    headers: Record<string, string>,
  ): Promise<Answer | undefined> {
    const url = this.#address(repository, path)
    const known = this.#authorizations.get(repository)
    const now = this.#options.clock.now().getTime()
    let answer = await this.#follow(
      method,
      url,
      withLogin(headers, known && known.until > now ? known.value : undefined),
    )
    if (answer.status === 401) {
      const authorization = await this.#authorize(repository, answer)
      answer = await this.#follow(method, url, withLogin(headers, authorization))
    }
    if (answer.status === 200) return answer
    if (answer.status === 404 || answer.status === 410) return undefined
    throw unavailable(`${this.#host()} answered to ${method} ${repository}/${path} with status ${answer.status}`)
  }

  /** A login of ours goes to the host that it is for and nowhere else. */
  async #follow(method: 'GET' | 'HEAD', start: string, headers: Record<string, string>): Promise<Answer> {
    const { authorization, ...others } = headers
    let url = new URL(start)
    for (let hop = 0; hop <= mostRedirects; hop++) {
      const isOrigin = url.origin === new URL(start).origin
      const sent = isOrigin && authorization !== undefined ? { ...others, authorization } : others
      const answer = await this.#exchange(method, url.href, sent)
      const location = [301, 302, 303, 307, 308].includes(answer.status) ? answer.header('location') : undefined
      if (location === undefined) return answer
      url = this.#safeAddress(location, url.href)
    }
    throw wrong(`${this.#host()} redirects without end`)
  }

  async #exchange(method: 'GET' | 'HEAD', url: string, headers: Record<string, string>): Promise<Answer> {
    try {
      const limits = { mostBytes: maxManifestBytes }
      const { status, headers: all, bytes } = await this.#options.send({ method, url, headers }, limits)
      const header = (name: string) => (Array.isArray(all[name]) ? all[name].join(', ') : all[name])
      return { status, header, bytes }
    } catch (cause) {
      if (!isLarderError(cause, 'FORGE_UNREACHABLE')) throw cause
      throw unavailable(cause.message.replace(/\.$/, ''), cause)
    }
  }

  async #authorize(repository: RepositoryName, refused: Answer): Promise<string> {
    const { login, clock } = this.#options
    const challenge = parseChallenge((refused.header('www-authenticate') ?? '').slice(0, mostChallengeLength))
    const basic = login && `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`
    const now = clock.now().getTime()
    if (challenge?.scheme === 'basic' && basic !== undefined) {
      this.#authorizations.set(repository, { value: basic, until: now + mostTokenMs })
      return basic
    }
    if (challenge?.scheme !== 'bearer') throw unavailable(`${this.#host()} asks for a login`)
    const { token, lifeMs } = await this.#fetchToken(challenge, repository, basic)
    this.#authorizations.set(repository, { value: `Bearer ${token}`, until: now + lifeMs })
    return `Bearer ${token}`
  }

  async #fetchToken(
    { realm, parameters }: Extract<Challenge, { scheme: 'bearer' }>,
    repository: RepositoryName,
    basic: string | undefined,
  ): Promise<{ token: string; lifeMs: number }> {
    const url = this.#safeAddress(realm, this.#options.url)
    if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service'])
    url.searchParams.set('scope', `repository:${repository}:pull`)
    const answer = await this.#exchange('GET', url.href, withLogin({}, basic))
    if (answer.status !== 200) throw unavailable(`${url.host} gives no token (status ${answer.status})`)
    const said = parseToken(answer.bytes)
    if (said === undefined) throw wrong(`what ${url.host} gives is no token`)
    return said
  }

  /** https, or http where the registry itself is asked so, which is on this host. */
  #safeAddress(text: string, from: string): URL {
    const url = URL.parse(text, from)
    const isHere = [url, URL.parse(this.#options.url)].every((one) => one !== null && isLoopbackAddress(one))
    if (url === null || (url.protocol !== 'https:' && !isHere))
      throw wrong(`${this.#host()} leads to an address that is not safe`)
    return url
  }

  #host(): string {
    return new URL(this.#options.url).host
  }
}

/** `127.0.0.1`, `localhost`, `[::1]` by plain HTTP: what goes there leaves no host. */
function isLoopbackAddress({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
}

function withLogin(headers: Record<string, string>, authorization: string | undefined): Record<string, string> {
  return authorization === undefined ? headers : { ...headers, authorization }
}

function textOf(reference: Reference): string {
  return 'tag' in reference ? reference.tag : reference.digest
}

/** Source: Docker registry token specification: `token` or `access_token`; 60 seconds when it does not say. */
function parseToken(bytes: Buffer): { token: string; lifeMs: number } | undefined {
  const said = parseJson(bytes.toString('utf8')) as Record<string, unknown> | null | undefined
  const token = said?.['token'] ?? said?.['access_token']
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,16384}$/.test(token)) return undefined
  const lifeS = said?.['expires_in']
  const lifeMs = typeof lifeS === 'number' && lifeS > 0 ? lifeS * 1000 : usualTokenMs
  // One that is about to end is asked for anew.
  return { token, lifeMs: Math.min(lifeMs, mostTokenMs) * 0.8 }
}

export function unavailable(what: string, cause?: unknown): LarderError {
  return new LarderError('OCI_ORIGIN_UNAVAILABLE', {
    message: `The registry that this is read through from cannot be used: ${what}.`,
    hint: 'See registry.cache in controller.yaml, and whether that registry can be reached from here.',
    ...(cause === undefined ? {} : { cause }),
  })
}

export function wrong(what: string, cause?: unknown): LarderError {
  return new LarderError('OCI_ORIGIN_WRONG', {
    message: `What the other registry answers is refused: ${what}.`,
    hint: 'Nothing of it was stored. Compare with that registry itself.',
    ...(cause === undefined ? {} : { cause }),
  })
}
