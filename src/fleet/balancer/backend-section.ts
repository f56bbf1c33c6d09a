import type { BalancedService } from './balanced-service.ts'
import { quoteWord } from './quote-word.ts'

/** The machines of a service, and how it is known that they are of use. */
export function backendSection(service: BalancedService): string {
  const { name, balance } = service
  return [
    `backend ${name}`,
    `  mode ${balance.mode}`,
    ...(balance.mode === 'http' ? httpLines(service) : ['  balance leastconn', '  timeout server 1h']),
    ...checkLines(service),
    ...service.servers.map(({ machine, address }) => serverLine(service, { machine, address })),
  ].join('\n')
}

/** A request that can be asked again without harm (RFC 9110 §9.2.2) is asked of another machine when one breaks off. */
function httpLines({ name, servers, balance: { isSticky, tls, responseMs } }: BalancedService): string[] {
  const lines = [
    '  balance roundrobin',
    `  timeout server ${responseMs / 1000}s`,
    // A connection that is used again may be closed by its server in the same moment, and a POST is not asked twice.
    '  option http-server-close',
    '  retry-on conn-failure empty-response',
    '  http-request disable-l7-retry unless { method GET HEAD OPTIONS }',
  ]
  if (!isSticky) return lines
  const cookie = cookieOf(name)
  const isSecure = tls === undefined ? '' : ' secure'
  return [
    ...lines,
    `  cookie ${cookie} insert indirect nocache httponly${isSecure}`,
    // Else those who hold its cookie would come to a machine that is drained, again and again.
    ...servers.map(
      ({ machine }) =>
        `  ignore-persist if { req.cook(${cookie}) -m str -- ${machine} } { srv_weight(${name}/${machine}) eq 0 }`,
    ),
  ]
}

function cookieOf(service: string): string {
  return `larder-${service}`
}

function checkLines({ ready }: BalancedService): string[] {
  if (!('http' in ready)) return []
  return [
    '  option httpchk',
    `  http-check send meth GET uri ${quoteWord(ready.http)} ver HTTP/1.1 hdr Host localhost hdr User-Agent larder`,
    '  http-check expect status 200-399',
  ]
}

/**
 * What is known by a command is known on the machine alone: here it is enough that connections are taken. The port of its check
 * is always said, so that the state tool finds it in its place.
 */
function serverLine(
  { port, ready, balance }: BalancedService,
  { machine, address }: BalancedService['servers'][number],
): string {
  const checked = 'tcp' in ready ? ready.tcp : 'http' in ready ? ready.port : port
  const options = balance.mode === 'tcp' ? ' on-marked-down shutdown-sessions' : ''
  const cookie = balance.isSticky && balance.mode === 'http' ? ` cookie ${machine}` : ''
  return `  server ${machine} ${address}:${port} check port ${checked} weight 100${cookie}${options}`
}
