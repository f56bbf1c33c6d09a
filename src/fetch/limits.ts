/** What a fetcher allows itself and its upstreams. */
export interface FetchLimits {
  /** Transfers at once with one host. Default 4. */
  perHost: number
  /** Transfers at once in all. Default 8. */
  total: number
  /** All transfers together. Default: unlimited. */
  bandwidthBytesPerSecond: number
  /** Time over which an upstream must deliver `minBytesPerSecond`, waiting for the first byte included. Default 30 s. */
  stallMs: number
  /** Default 4096. */
  minBytesPerSecond: number
  /** Tries at one address before the next address. A try that got 1 MiB further does not count. Default 4. */
  attempts: number
  /** Wait before the second try; doubles with each further try; half of it is random. Default 500 ms. */
  backoffMs: number
  /** Longest wait between two tries; also caps Retry-After. Default 30 s. */
  maxBackoffMs: number
  /** Time to a TCP and TLS connection. Default 10 s. */
  connectMs: number
  /** Redirects followed for one request. Default 5. */
  redirects: number
}

export const defaultLimits: FetchLimits = {
  perHost: 4,
  total: 8,
  bandwidthBytesPerSecond: Infinity,
  stallMs: 30_000,
  minBytesPerSecond: 4096,
  attempts: 4,
  backoffMs: 500,
  maxBackoffMs: 30_000,
  connectMs: 10_000,
  redirects: 5,
}
