import type { Clock, Log } from '../../core/index.ts'
import type { Forge } from '../../forge/index.ts'
import type { Registry } from '../../oci/index.ts'
import type { Controller } from '../controller.ts'
import type { AccessOptions } from './registry/access.ts'

export interface HttpOptions {
  controller: Controller
  /** The admin token, or its digest as `sha256:…`. Guards everything that writes. */
  token: string
  log: Log
  /** Default: the system clock. */
  clock?: Clock
  limits?: Partial<HttpLimits>
  /** Bare repository served at /git/site.git. Made and configured when it is not there. Default: no Git endpoint. */
  siteRepository?: { path: string; mainBranch?: string }
  /**
   * The forge whose deliveries are taken; its secrets are asked for at each, so that they can be rotated. Default:
   * deliveries are refused.
   */
  hooks?: { forge: Forge; secrets: () => readonly string[] }
  /** What is served at /v2/, and to whom. Default: no registry. */
  registry?: { registry: Registry } & Pick<AccessOptions, 'users' | 'anonymous' | 'tokenKey'>
  /** What /metrics says besides what is counted here; asked when somebody reads it. */
  measure?: () => Promise<Measured[]>
  /** What TLS is served with, asked for once; and the authority that clients must trust for it. Default: no TLS. */
  tls?: {
    certified: () => { certificate: string; key: string }
    authority: () => string | undefined
    /** What clients write before the name of an image. */
    registryHost: () => string
  }
  /** Address by which clients reach us, such as `https://larder.example.org`. Default: what each request was sent to. */
  publicUrl?: string
  /** Addresses or networks of reverse proxies whose X-Forwarded-* headers are believed. Default: none. */
  trustedProxies?: readonly string[]
}

/** One sample of a metric. Source: Prometheus naming conventions. */
export interface Measured {
  kind: 'gauge' | 'counter'
  name: string
  help: string
  labels?: Readonly<Record<string, string>>
  value: number
}

export interface HttpLimits {
  /** Requests that write, from one address. Default 120. */
  writesPerMinute: number
  /** Deliveries that are refused, from one address; then its others are too, for a minute. Default 60. */
  refusedHooksPerMinute: number
  /** Default 25 MiB, which is the most that GitHub sends. */
  hookBytes: number
  /** Clones at once, and besides them pushes. Default 16. */
  gitProcesses: number
  /** Largest push. Default 256 MiB. */
  pushBytes: number
  /** People who follow the log of a run at once. Default 100. */
  logFollowers: number
  /** How often a followed log is looked at. Default 500. */
  logPollMs: number
  /** Memory for small published files. Default 64 MiB. */
  smallFilesBytes: number
  /** A download that takes nothing for so long is given up. Default 60,000. */
  stallMs: number
  /** What is under way at close may go on for so long. Default 10,000. */
  closeGraceMs: number
}

export const defaultLimits: HttpLimits = {
  writesPerMinute: 120,
  refusedHooksPerMinute: 60,
  hookBytes: 25 * 1024 * 1024,
  gitProcesses: 16,
  pushBytes: 256 * 1024 * 1024,
  logFollowers: 100,
  logPollMs: 500,
  smallFilesBytes: 64 * 1024 * 1024,
  stallMs: 60_000,
  closeGraceMs: 10_000,
}

/** The options with every default filled in: what the routes work with. */
export interface HttpContext extends HttpOptions {
  clock: Clock
  limits: HttpLimits
}
