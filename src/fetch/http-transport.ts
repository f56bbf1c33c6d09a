import { getCACertificates } from 'node:tls'
import type { Dispatcher } from 'undici'
// By its file: the whole library takes three times as long to load, and this is all that downloads without a proxy need.
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js'
import { lazyPackage } from '../core/index.ts'
import { HttpExchange } from './http-exchange.ts'
import type { FetchLimits } from './limits.ts'
import type { ProxySettings } from './proxy.ts'
import type { Answer, AskOptions, Transport } from './transport.ts'

/** `http:` and `https:` with kept-alive connections, through a proxy where one is set. */
export function createHttpTransport(options: { limits: FetchLimits; userAgent: string }): Transport {
  const agents = new Map<string, Dispatcher>()
  const agentFor = (url: URL, proxy: ProxySettings): Dispatcher => {
    const key = JSON.stringify([url.protocol, proxy.http ?? '', proxy.https ?? '', proxy.no ?? ''])
    let agent = agents.get(key)
    if (!agent) agents.set(key, (agent = createAgent(url.protocol, proxy, options.limits)))
    return agent
  }
  return {
    get: (url, ask) => get(agentFor(url, ask.proxy), url, { ...ask, userAgent: options.userAgent }),
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
      agents.clear()
    },
  }
}

async function get(agent: Dispatcher, url: URL, options: AskOptions & { userAgent: string }): Promise<Answer> {
  const exchange = new HttpExchange(options.signal)
  const asked: Dispatcher.DispatchOptions = {
    origin: url.origin,
    path: url.pathname + url.search,
    method: 'GET',
    headers: {
      'user-agent': options.userAgent,
      accept: '*/*',
      'accept-encoding': 'identity',
      ...authorization(url),
      ...options.headers,
    },
    // Pace watches both: the transport's own limits would know nothing of a slow disk.
    headersTimeout: 0,
    bodyTimeout: 0,
  }
  try {
    agent.dispatch(asked, exchange)
  } catch (error) {
    exchange.refuse(error)
  }
  const { status, headers } = await exchange.head
  return {
    status,
    url,
    header: (name) => {
      const value = headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    body: exchange,
    discard: () => exchange.discard(),
  }
}

/** Only the index of the library teaches its dispatchers CONNECT, by which proxies are asked for what is behind TLS. */
const wholeUndici = lazyPackage((require) => require('undici') as { EnvHttpProxyAgent: typeof EnvHttpProxyAgent })

function createAgent(protocol: string, proxy: ProxySettings, limits: FetchLimits): Dispatcher {
  // A private site may have an authority of its own in the system's store, which Node alone does not read.
  const ca = protocol === 'https:' ? [...getCACertificates('default'), ...getCACertificates('system')] : undefined
  const tls = ca === undefined ? {} : { ca }
  const [http, https] = [withScheme(proxy.http), withScheme(proxy.https)]
  const ProxyAgent = http === '' && https === '' ? EnvHttpProxyAgent : wholeUndici().EnvHttpProxyAgent
  return new ProxyAgent({
    httpProxy: http,
    httpsProxy: https,
    noProxy: proxy.no ?? '',
    allowH2: false,
    connections: limits.perHost,
    keepAliveTimeout: 10_000,
    maxHeaderSize: 32 * 1024,
    connect: { timeout: limits.connectMs, ...tls },
    requestTls: tls,
  })
}

/** `proxy.example.org:3128` is written, too. */
function withScheme(address = ''): string {
  return address === '' || address.includes('://') ? address : `http://${address}`
}

function authorization(url: URL): { authorization?: string } {
  if (url.username === '' && url.password === '') return {}
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}
