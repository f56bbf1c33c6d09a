import type { Digest, Progress } from '../core/index.ts'
import type { Expectation, LeaseId } from '../store/index.ts'
import type { ProxySettings } from './proxy.ts'

export interface FetchRequest {
  /** The same file at several addresses, in order of preference: `http:`, `https:`, `file:`. */
  urls: readonly string[]
  /** What signed metadata promised. Undefined only for the signed metadata itself. */
  expected?: Expectation
  /** Hard limit; also the limit when `expected.sizeBytes` is unknown. FETCH_TOO_LARGE. */
  maxBytes: number
  lease: LeaseId
  /** From an earlier answer: a 304 gives `not-modified`. */
  validators?: Validators
  /** Header that says who we are, for the host of the address alone: never for one that it redirects to. */
  authorization?: string
  /** Instead of the fetcher's own proxies, for this request. */
  proxy?: ProxySettings
}

export interface Validators {
  etag?: string
  lastModified?: string
}

export type FetchResult =
  | { kind: 'fetched'; digest: Digest; sizeBytes: number; url: string; validators: Validators }
  | { kind: 'not-modified'; url: string }
  /** Every address said 404 or 410. */
  | { kind: 'absent'; urls: readonly string[] }

/**
 * The one way to the network. Streams into the store, hashing while bytes arrive; resumes (Range + If-Range);
 * retries with backoff on 5xx, 408, 429, reset, truncation and stall; then tries the next address. A wrong hash
 * or size counts as a failure of that address. Honours http_proxy, https_proxy, no_proxy; bandwidth and
 * concurrency limits (per host and in all).
 */
export interface Fetcher {
  /** FETCH_*, DIGEST_MISMATCH, SIZE_MISMATCH, DISK_FULL, CANCELLED. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResult>
  /** Many at once; the first failure that no retry mends stops the rest and is thrown, naming the file. */
  fetchAll(requests: readonly LabelledRequest[], options: FetchAllOptions): Promise<FetchResult[]>
  /** Ends kept-alive connections. */
  close(): Promise<void>
}

export interface FetchAllOptions {
  signal: AbortSignal
  progress: Progress
  /**
   * Looks at a file as soon as it is in the store, while others are still on their way; what it throws stops the rest
   * and is thrown. Not asked about what was in the store before. `position`: of the request.
   */
  onStored?: (position: number, result: FetchResult) => Promise<void>
  /**
   * Looks at the bytes of a small file (up to 512 KiB, promised by its hash) that turned out to be what was promised,
   * while they are made durable; what it throws stops the rest and is thrown. Larger files it is not asked about.
   */
  inspect?: (position: number, bytes: Buffer) => Promise<void>
}

export interface LabelledRequest extends FetchRequest {
  /** What people call the file: in progress and in errors. */
  label: string
}
