import { ownPrefix, type BalancedService } from './balanced-service.ts'
import { haproxyPaths } from './haproxy-paths.ts'
import { quoteWord } from './quote-word.ts'
import { conditionOf, isForAll, routesOf, specificFirst, type Route } from './route.ts'

interface Port {
  readonly port: number
  /** Of services that are offered there by TLS: names of secrets. */
  readonly certificates: string[]
  readonly routes: Route[]
}

/** Where clients come, by port, and what becomes of what they ask. Ports are those of one mode: see checkBalancers. */
export function frontendSections(services: readonly BalancedService[]): string[] {
  const http = services.filter(({ balance }) => balance.mode === 'http')
  const redirected = new Set(
    http.flatMap(({ balance: { tls, port } }) => (tls?.redirectFrom === undefined ? [] : [port])),
  )
  return [
    ...services.filter(({ balance }) => balance.mode === 'tcp').map(tcpFrontend),
    ...portsOf(http).map(httpFrontend),
    ...[...redirected].sort((a, b) => a - b).map(redirectBackend),
    ...(http.length === 0 ? [] : [nobodyBackend]),
  ]
}

function tcpFrontend(service: BalancedService): string {
  const { name, balance } = service
  const { port } = balance
  return `frontend ${ownPrefix}${port}
  mode tcp
  ${bind(port, certificatesOf(service), '')}
  option tcplog
  timeout client 1h
  default_backend ${name}`
}

function portsOf(services: readonly BalancedService[]): Port[] {
  const ports = new Map<number, Port>()
  const portAt = (port: number): Port => {
    const known = ports.get(port) ?? { port, certificates: [], routes: [] }
    ports.set(port, known)
    return known
  }
  for (const service of services) {
    const { port, tls } = service.balance
    const at = portAt(port)
    at.routes.push(...routesOf(service, service.name))
    if (tls === undefined) continue
    at.certificates.push(...certificatesOf(service).filter((one) => !at.certificates.includes(one)))
    if (tls.redirectFrom !== undefined) portAt(tls.redirectFrom).routes.push(...routesOf(service, redirectTo(port)))
  }
  return [...ports.values()].sort((a, b) => a.port - b.port)
}

/** What a client says of who it is itself is not believed: the headers are replaced. */
function httpFrontend({ port, certificates, routes }: Port): string {
  const scheme = certificates.length > 0 ? 'https' : 'http'
  const ordered = routes.toSorted(specificFirst)
  const others = ordered.find(isForAll)?.backend ?? nobody
  const uses = ordered
    .filter((route) => !isForAll(route))
    .map((one) => `  use_backend ${one.backend} if ${conditionOf(one)}`)
  return [
    `frontend ${ownPrefix}${port}`,
    '  mode http',
    `  ${bind(port, certificates, ' alpn h2,http/1.1')}`,
    '  option httplog',
    // At a reload a connection is closed with its next response: closed at once, a client that is just asking sees an error.
    '  option idle-close-on-response',
    '  http-request del-header Forwarded',
    '  http-request set-header X-Forwarded-For %[src]',
    `  http-request set-header X-Forwarded-Proto ${scheme}`,
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    '  http-request set-header X-Forwarded-Port %[dst_port]',
    ...uses,
    `  default_backend ${others}`,
  ].join('\n')
}

/** Of several certificates a client gets the one whose name it asks for, by SNI; else the first. */
function bind(port: number, certificates: readonly string[], more: string): string {
  if (certificates.length === 0) return `bind :${port}`
  return `bind :${port} ssl ${certificates.map((name) => `crt ${quoteWord(certificatePath(name))}`).join(' ')}${more}`
}

/** Name of what a service shows: of a secret, or of what Larder certifies. */
export function certificatesOf({ name, balance: { tls } }: Pick<BalancedService, 'name' | 'balance'>): string[] {
  return tls === undefined ? [] : [tls.certificate ?? `larder-${name}`]
}

/** Where a certificate and its key are on a machine. */
export function certificatePath(name: string): string {
  return `${haproxyPaths.certificates}/${name}.pem`
}

function redirectTo(port: number): string {
  return `${ownPrefix}https-${port}`
}

/** 308: the method stays what it was (RFC 9110 §15.4.9). */
function redirectBackend(port: number): string {
  const at = port === 443 ? '' : `:${port}`
  return `backend ${redirectTo(port)}
  mode http
  http-request redirect code 308 location "https://%[req.hdr(host),host_only]${at}%[pathq]"`
}

const nobody = `${ownPrefix}nobody`

const nobodyBackend = `backend ${nobody}
  mode http
  http-request return status 404 content-type text/plain string 'No service here has this name and path.'`
