import { describe, expect, it } from 'vitest'
import type { BalanceSpec } from '../service/service-spec.ts'
import { plainBalance } from '../testing/plain-balance.ts'
import type { BalancedService } from './balanced-service.ts'
import { haproxyConfig } from './haproxy-config.ts'

describe('haproxyConfig', () => {
  it('a service of two machines, by http', () => {
    const text = haproxyConfig([service('counter', { path: '/' })])
    expect(sectionOf(text, 'frontend larder:80')).toEqual([
      'mode http',
      'bind :80',
      'option httplog',
      'option idle-close-on-response',
      'http-request del-header Forwarded',
      'http-request set-header X-Forwarded-For %[src]',
      'http-request set-header X-Forwarded-Proto http',
      'http-request set-header X-Forwarded-Host %[req.hdr(host)]',
      'http-request set-header X-Forwarded-Port %[dst_port]',
      'default_backend counter',
    ])
    expect(sectionOf(text, 'backend counter')).toEqual([
      'mode http',
      'balance roundrobin',
      'timeout server 60s',
      'option http-server-close',
      'retry-on conn-failure empty-response',
      'http-request disable-l7-retry unless { method GET HEAD OPTIONS }',
      'option httpchk',
      'http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host localhost hdr User-Agent larder',
      'http-check expect status 200-399',
      'server web-1 192.0.2.11:8080 check port 8080 weight 100',
      'server web-2 192.0.2.12:8080 check port 8080 weight 100',
    ])
  })

  it('the most exact of names and paths comes first', () => {
    const text = haproxyConfig([
      service('all', {}),
      service('below', { hosts: ['*.example.org'] }),
      service('deep', { hosts: ['*.lab.example.org'] }),
      service('one', { hosts: ['a.example.org'] }),
      service('path', { hosts: ['a.example.org'], path: '/api/v1' }),
      service('shorter', { hosts: ['a.example.org'], path: '/api/' }),
      service('anywhere', { path: '/any' }),
    ])
    const lines = sectionOf(text, 'frontend larder:80')
    expect(lines.flatMap((line) => /(?:use|default)_backend (\S+)/.exec(line)?.[1] ?? [])).toEqual([
      'path',
      'shorter',
      'one',
      'deep',
      'below',
      'anywhere',
      'all',
    ])
    const host = '{ req.hdr(host),host_only,lower -m str -- a.example.org }'
    expect(lines).toContain(
      `use_backend shorter if ${host} { path -m str -- /api } or ${host} { path -m beg -- /api/ }`,
    )
    expect(lines).toContain('use_backend below if { req.hdr(host),host_only,lower -m end -- .example.org }')
  })

  it('what is nobody’s is not found', () => {
    const text = haproxyConfig([service('one', { hosts: ['a.example.org'] })])
    expect(sectionOf(text, 'frontend larder:80').at(-1)).toBe('default_backend larder:nobody')
    expect(sectionOf(text, 'backend larder:nobody').at(-1)).toContain('return status 404')
  })

  it('several certificates at one port, http sent there, and a port of its own', () => {
    const text = haproxyConfig([
      service('a', { port: 443, hosts: ['a.example.org'], tls: { certificate: 'a', redirectFrom: 80 } }),
      service('b', { port: 443, hosts: ['b.example.org'], tls: { certificate: 'b c', redirectFrom: undefined } }),
      service('c', { port: 8443, tls: { certificate: 'a', redirectFrom: 8080 }, isSticky: true }),
    ])
    const certificates = "ssl crt /etc/haproxy/certificates/a.pem crt '/etc/haproxy/certificates/b c.pem'"
    expect(sectionOf(text, 'frontend larder:443')).toContain(`bind :443 ${certificates} alpn h2,http/1.1`)
    expect(sectionOf(text, 'frontend larder:443')).toContain('http-request set-header X-Forwarded-Proto https')
    expect(sectionOf(text, 'frontend larder:80').at(-2)).toMatch(
      /^use_backend larder:https-443 if .* a\.example\.org }$/,
    )
    const redirect = (at: string): string =>
      `http-request redirect code 308 location "https://%[req.hdr(host),host_only]${at}%[pathq]"`
    expect(sectionOf(text, 'backend larder:https-443').at(-1)).toBe(redirect(''))
    expect(sectionOf(text, 'backend larder:https-8443').at(-1)).toBe(redirect(':8443'))
    const sticky = sectionOf(text, 'backend c')
    expect(sticky).toContain('cookie larder-c insert indirect nocache httponly secure')
    expect(sticky).toContain('ignore-persist if { req.cook(larder-c) -m str -- web-1 } { srv_weight(c/web-1) eq 0 }')
    expect(sticky.at(-1)).toBe('server web-2 192.0.2.12:8080 check port 8080 weight 100 cookie web-2')
  })

  it('connections as they are, and what is known by another port or by a command', () => {
    const text = haproxyConfig([
      { ...service('pg', { mode: 'tcp', port: 5432 }), ready: { tcp: 5433 } },
      { ...service('queue', { mode: 'tcp', port: 5672 }), ready: { command: ['true'] } },
    ])
    expect(sectionOf(text, 'frontend larder:5432')).toEqual([
      'mode tcp',
      'bind :5432',
      'option tcplog',
      'timeout client 1h',
      'default_backend pg',
    ])
    expect(sectionOf(text, 'backend pg').slice(0, 4)).toEqual([
      'mode tcp',
      'balance leastconn',
      'timeout server 1h',
      'server web-1 192.0.2.11:8080 check port 5433 weight 100 on-marked-down shutdown-sessions',
    ])
    expect(sectionOf(text, 'backend queue').at(-1)).toContain('192.0.2.12:8080 check port 8080 weight 100')
  })

  it('is the same in whatever order services come', () => {
    const some = [service('b', { port: 81 }), service('a', {}), service('c', { port: 9 })]
    expect(haproxyConfig(some)).toBe(haproxyConfig(some.toReversed()))
  })

  it.each([
    ["/it's", "uri '/it'\\''s' ver"],
    ['/$HOME#"x"\\', `uri '/$HOME#"x"\\' ver`],
  ])('the page %s is one word', (http, word) => {
    expect(haproxyConfig([{ ...service('a', {}), ready: { http, port: 8080 } }])).toContain(word)
  })

  it('refuses what ends a line', () => {
    const hostile = { ...service('a', {}), ready: { http: '/\nglobal', port: 80 } }
    expect(() => haproxyConfig([hostile])).toThrow(expect.objectContaining({ code: 'FLEET_VALUE_UNUSABLE' }))
  })
})

function service(name: string, balance: Partial<BalanceSpec>): BalancedService {
  return {
    name,
    port: 8080,
    ready: { http: '/healthz', port: 8080 },
    drainMs: 0,
    readyMs: 60_000,
    servers: [
      { machine: 'web-1', address: '192.0.2.11' },
      { machine: 'web-2', address: '192.0.2.12' },
    ],
    balance: plainBalance(balance),
  }
}

/** Its lines, without the first. */
function sectionOf(text: string, name: string): string[] {
  const section = text.split('\n\n').find((one) => one.split('\n')[0] === name)
  return (section ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
}
