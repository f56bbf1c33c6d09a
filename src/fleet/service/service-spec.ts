import type { Host } from '../host/host.ts'
import type { Probe } from '../resource/probe.ts'

/** A service of a site as it is declared, with every default filled in. */
export interface ServiceSpec {
  name: string
  /** In the order in which they are rolled. */
  machines: readonly string[]
  /** On each of its machines. */
  port: number
  ready: Probe
  balance: BalanceSpec | undefined
  /** How long a machine may go on with what it has begun, before it is replaced. Milliseconds. */
  drainMs: number
  /** How long a release may take to be ready. Milliseconds. */
  readyMs: number
}

/** How the load balancer offers a service. */
export interface BalanceSpec {
  /** Machines that are load balancers. */
  on: readonly string[]
  mode: 'http' | 'tcp'
  /** Where clients come. */
  port: number
  /** mode: http. Host names and the beginning of paths that are this service's; all, where empty. */
  hosts: readonly string[]
  path: string | undefined
  /** Without the name of a secret, Larder’s own authority certifies. */
  tls: { certificate: string | undefined; redirectFrom: number | undefined } | undefined
  /** A client stays at one machine while that is up. mode: http, by a cookie. */
  isSticky: boolean
  /** mode: http. How long a machine may be silent while it answers. Milliseconds. */
  responseMs: number
  /** How long it may take until they find a machine up. Milliseconds. */
  upMs: number
}

/** A machine's place in a service, at one balancer. */
export interface BalancedServer {
  service: string
  machine: string
}

/** What a balancer says of one of them. */
export interface ServerState {
  service: string
  machine: string
  /** `maintenance`: somebody took it away by hand. */
  state: 'up' | 'down' | 'draining' | 'maintenance'
  /** Requests and connections that are under way. */
  sessions: number
  /** Of its health check, in the words of the balancer. */
  why: string | undefined
  statistics: ServerStatistics
}

/** What a balancer has counted of a server; a reload begins at nothing, beside workers of before that have not ended. */
export interface ServerStatistics {
  /** Requests, and with mode: tcp connections, that it was given. */
  requests: number
  /** Connections that it did not take, and answers that it broke off. */
  failures: number
  /** Answers of the codes 500 to 599. mode: http. */
  serverErrors: number
  bytesFromClients: number
  bytesToClients: number
  /** In the last second. */
  requestsPerSecond: number
  /** Until it began to answer, on average of the last 1024 requests. mode: http. */
  responseMs: number
  /** How long its health check has found it down, in all. Seconds. */
  downS: number
}

/**
 * The load balancers of a site, as rollouts speak to them. What they do, and what they throw, is that of `Host`. A server that
 * somebody has taken away by hand is left to them: told nothing.
 */
export interface Balancer {
  /** It gets nothing new; lasts over reloads and restarts until `ready`. */
  drain(host: Host, server: BalancedServer): Promise<void>
  /**
   * It gets its share again once its health check says so. `isOther`: something else runs there than when it was taken away; what
   * was found of that counts for nothing, and it gets nothing before it has answered anew.
   */
  ready(host: Host, server: BalancedServer, release?: { isOther: boolean }): Promise<void>
  /** Of all servers of all services. FLEET_BALANCER_AWAY where none answers there. */
  state(host: Host, signal?: AbortSignal): Promise<ServerState[]>
}
