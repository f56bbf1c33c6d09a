import { LarderError } from '../core/index.ts'
import { parseFetchUrl, redactUrl } from './fetch-url.ts'
import { networkFailure } from './network-failure.ts'
import type { Answer, AskOptions, Transport } from './transport.ts'

const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Asks, and follows redirects to `http:` and `https:`, never from `https:` to `http:`, and never hands the
 * login of one origin to another. FETCH_UNREACHABLE, FETCH_URL_REFUSED, FETCH_STATUS (too many).
 */
export async function getFollowing(
  transports: Readonly<Record<string, Transport>>,
  start: URL,
  options: AskOptions & { maxRedirects: number; authorization?: string | undefined },
): Promise<Answer> {
  const { authorization, ...common } = options
  const withLogin = authorization === undefined ? common : { ...common, headers: { ...common.headers, authorization } }
  let url = start
  for (let hop = 0; hop <= options.maxRedirects; hop++) {
    const answer = await ask(transports[url.protocol]!, url, url.origin === start.origin ? withLogin : common)
    const location = redirects.has(answer.status) ? answer.header('location') : undefined
    if (location === undefined) return answer
    answer.discard()
    url = nextUrl(url, location)
  }
  throw new LarderError('FETCH_STATUS', {
    message: `${redactUrl(start)} redirects more than ${options.maxRedirects} times`,
  })
}

async function ask(transport: Transport, url: URL, options: AskOptions): Promise<Answer> {
  try {
    return await transport.get(url, options)
  } catch (error) {
    // The reason for which we aborted says more than what the transport makes of it.
    throw networkFailure(options.signal.aborted ? options.signal.reason : error, url, 'asking')
  }
}

function nextUrl(from: URL, location: string): URL {
  const absolute = URL.parse(location, from.href)
  if (!absolute) throw refused(from, location, 'which is no address')
  const to = parseFetchUrl(absolute.href)
  if (to.protocol === 'file:') throw refused(from, location, 'which is no web address')
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refused(from, location, 'which gives up encryption')
  to.username = to.origin === from.origin ? from.username : ''
  to.password = to.origin === from.origin ? from.password : ''
  return to
}

function refused(from: URL, location: string, why: string): LarderError {
  return new LarderError('FETCH_URL_REFUSED', {
    message: `${redactUrl(from)} redirects to ${redactUrl(location)}, ${why}`,
  })
}
