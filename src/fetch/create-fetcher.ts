import { randomInt } from 'node:crypto'
import type { Clock } from '../core/index.ts'
import type { BlobStore, Leases } from '../store/index.ts'
import { Bandwidth } from './bandwidth.ts'
import { fetchAll } from './fetch-all.ts'
import { fetchOne, type FetchKit } from './fetch-one.ts'
import type { Fetcher } from './fetcher.ts'
import { fileTransport } from './file-transport.ts'
import { createHttpTransport } from './http-transport.ts'
import { KeyedLock } from './keyed-lock.ts'
import { defaultLimits, type FetchLimits } from './limits.ts'
import { PaceWatch } from './pace-watch.ts'
import type { ProxySettings } from './proxy.ts'
import { Slots } from './slots.ts'
import { WriteBatcher } from './write-batcher.ts'

export interface FetcherOptions {
  store: BlobStore
  leases: Leases
  clock: Clock
  limits?: Partial<FetchLimits>
  /** Default: none. The composition root hands in `proxyFromEnvironment(process.env)`. */
  proxy?: ProxySettings
  /** `Larder/0.1.0`. */
  userAgent: string
  /** From 0 up to, but without, 1: for jitter. */
  random?: () => number
}

/** The one way to the network; see Fetcher. Close it in the end. */
export function createFetcher(options: FetcherOptions): Fetcher {
  const limits = { ...defaultLimits, ...options.limits }
  const http = createHttpTransport({ limits, userAgent: options.userAgent })
  const kit: FetchKit = {
    store: options.store,
    leases: options.leases,
    clock: options.clock,
    limits,
    proxy: options.proxy ?? {},
    random: options.random ?? (() => randomInt(2 ** 32) / 2 ** 32),
    slots: new Slots(limits),
    pace: new PaceWatch(options.clock, limits),
    bandwidth: new Bandwidth(options.clock, limits.bandwidthBytesPerSecond),
    transports: { 'http:': http, 'https:': http, 'file:': fileTransport },
    uploads: new KeyedLock(),
    batcher: new WriteBatcher(options.store, options.clock),
    shunned: new Map(),
  }
  return {
    fetch: (request, signal) => fetchOne(kit, request, { signal, onBytes: () => {} }),
    fetchAll: (requests, all) => fetchAll(kit, requests, all),
    close: () => http.close(),
  }
}
