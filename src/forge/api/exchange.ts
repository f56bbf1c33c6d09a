import { LarderError, parseRetryAfter } from '../../core/index.ts'
import { cutLine } from './cut-text.ts'
import type { HttpSend } from '../forge.ts'

export interface ExchangeOptions {
  /** `GitHub`, for messages. */
  title: string
  /** Address of the API, without a slash at the end. */
  url: string
  /** Asked before each request: tokens of an App are renewed. */
  headers: () => Promise<Record<string, string>>
  send: HttpSend
  now: () => Date
}

export interface ApiAnswer {
  status: number
  /** Parsed JSON; undefined for an empty body. */
  value: unknown
  /** Whether the forge says that a list goes on. Undefined: it does not say. */
  hasNext: boolean | undefined
}

/** JSON over HTTP with the API of a forge. FORGE_UNREACHABLE (retryable), FORGE_REFUSED with the status in its context. */
export interface Exchange {
  /** `path` begins with a slash; whatever is not ours in it is encoded. */
  ask(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<ApiAnswer>
  /** All pages of a list; FORGE_REFUSED when there are more than 100. Where they are is never taken from an answer. */
  list(path: string, signal: AbortSignal, pageSize?: { name: string; value: number }): Promise<unknown[]>
}

const mostPages = 100

export function createExchange(options: ExchangeOptions): Exchange {
  const ask: Exchange['ask'] = async (method, path, signal, body) => {
    const headers: Record<string, string> = {
      accept: 'application/json',
      'user-agent': 'Larder',
      ...(await options.headers()),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const request = { method, url: `${options.url}${path}`, headers }
    const answer = await options.send(
      { ...request, ...(body === undefined ? {} : { body: JSON.stringify(body) }) },
      signal,
    )
    if (answer.status >= 200 && answer.status < 300) {
      return { status: answer.status, value: parse(options.title, answer.text), hasNext: hasNext(answer) }
    }
    throw failure(options, `${method} ${path.split('?')[0]}`, answer)
  }
  return {
    ask,
    async list(path, signal, { name, value } = { name: 'per_page', value: 100 }) {
      const items: unknown[] = []
      for (let page = 1; page <= mostPages; page++) {
        const join = path.includes('?') ? '&' : '?'
        const answer = await ask('GET', `${path}${join}${name}=${value}&page=${page}`, signal)
        if (!Array.isArray(answer.value)) throw malformed(options.title, 'a list was expected')
        items.push(...(answer.value as unknown[]))
        // A forge may be set to give fewer at once than it is asked for.
        if (!(answer.hasNext ?? answer.value.length >= value)) return items
      }
      throw malformed(options.title, `it has more than ${mostPages} pages of ${path.split('?')[0]}`)
    },
  }
}

/** FORGE_REFUSED: the answer is not what its documentation says. */
export function malformed(title: string, what: string): LarderError {
  return new LarderError('FORGE_REFUSED', {
    message: `${title} answered what cannot be understood: ${what}.`,
    hint: 'Is the address of the API in controller.yaml right?',
  })
}

function parse(title: string, text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw malformed(title, 'no JSON')
  }
}

/** Source: RFC 8288; GitHub leaves the header out where there is one page only, the others send it always. */
function hasNext({ headers }: HttpAnswer): boolean | undefined {
  return headers['link'] === undefined ? undefined : /\brel="?[^",;]*\bnext\b/.test(headers['link'])
}

type HttpAnswer = Awaited<ReturnType<HttpSend>>

function failure({ title, now }: ExchangeOptions, what: string, answer: HttpAnswer): LarderError {
  const { status } = answer
  const said = messageIn(answer.text)
  const message = `${title} answered ${what} with ${status}${said === '' ? '' : `: ${said}`}.`
  const waitMs = retryAfterMs(answer, now())
  const context = { status, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) }
  if (status === 429 || status >= 500 || status === 408 || isLimited(answer)) {
    return new LarderError('FORGE_UNREACHABLE', { message, context })
  }
  const hint =
    status === 401 || status === 403 || status === 404
      ? 'Does the token in controller.yaml have the right to read the repository, to set states of commits and to comment?'
      : undefined
  return new LarderError('FORGE_REFUSED', { message, context, ...(hint === undefined ? {} : { hint }) })
}

/**
 * GitHub says 403 for "too fast", too, and does not always say for how long.
 * Source: GitHub documentation, "Rate limits for the REST API".
 */
function isLimited({ status, headers, text }: HttpAnswer): boolean {
  if (status !== 403) return false
  const isTold = headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0'
  return isTold || /secondary rate limit/i.test(messageIn(text))
}

/** How long the forge asks to wait. `x-ratelimit-reset`, and GitLab's `ratelimit-reset`, are in seconds since 1970. */
function retryAfterMs(answer: HttpAnswer, now: Date): number | undefined {
  const { headers } = answer
  const after = parseRetryAfter(headers['retry-after'], now)
  if (after !== undefined) return after
  const reset = headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']
  const remaining = headers['x-ratelimit-remaining'] ?? headers['ratelimit-remaining']
  if (remaining === '0' && reset !== undefined && /^\d{1,12}$/.test(reset))
    return Math.max(0, Number(reset) * 1000 - now.getTime())
  return isLimited(answer) ? leastWaitMs : undefined
}

/** Where GitHub does not say for how long. */
const leastWaitMs = 60_000

function messageIn(text: string): string {
  try {
    const value = JSON.parse(text) as { message?: unknown; error?: unknown } | null
    const said = value?.message ?? value?.error
    const line = typeof said === 'string' ? said : said === undefined ? '' : JSON.stringify(said)
    return cutLine(line, 300).replace(/[.]$/, '')
  } catch (error) {
    // A page of a proxy, say.
    if (error instanceof SyntaxError) return ''
    throw error
  }
}
