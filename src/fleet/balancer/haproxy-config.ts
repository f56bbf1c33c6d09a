import { backendSection } from './backend-section.ts'
import { ownPrefix, type BalancedService } from './balanced-service.ts'
import { frontendSections } from './frontend-sections.ts'
import { haproxyPaths } from './haproxy-paths.ts'

/**
 * A configuration of HAProxy 2.6 that offers these services. The same services give the same text, in whatever order they are.
 * FLEET_VALUE_UNUSABLE.
 */
export function haproxyConfig(services: readonly BalancedService[]): string {
  const ordered = services.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return [globalSections, ...frontendSections(ordered), ...ordered.map(backendSection), ''].join('\n\n')
}

/** Of the loopback device: pages for people, and /metrics. */
export const statisticsPort = 8404

const globalSections = `# Written by Larder, from the services of the site.
global
  log /dev/log local0 notice
  chroot /var/lib/haproxy
  user haproxy
  group haproxy
  maxconn 8000
  no strict-limits
  stats socket ${haproxyPaths.adminSocket} user root group haproxy mode 660 level admin expose-fd listeners
  stats timeout 30s
  server-state-file ${haproxyPaths.state}
  hard-stop-after 1h
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  log global
  option dontlognull
  option dontlog-normal
  option log-separate-errors
  load-server-state-from-file global
  option redispatch 1
  retries 3
  timeout connect 2s
  timeout check 5s
  timeout queue 30s
  timeout client 60s
  timeout client-fin 10s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 10s
  timeout http-keep-alive 10s
  default-server inter 1s fastinter 500ms downinter 1s rise 2 fall 3 init-addr libc,last

frontend ${ownPrefix}statistics
  mode http
  bind 127.0.0.1:${statisticsPort}
  http-request use-service prometheus-exporter if { path /metrics }
  stats enable
  stats uri /`
