export { createFetcher, type FetcherOptions } from './create-fetcher.ts'
export type { Fetcher, FetchRequest, FetchResult, LabelledRequest, Validators } from './fetcher.ts'
export { type FetchLimits } from './limits.ts'
export { proxyFromEnvironment, type ProxySettings } from './proxy.ts'
