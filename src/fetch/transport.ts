import type { ProxySettings } from './proxy.ts'

/** The head of an answer, with a body that is read as it arrives. */
export interface Answer {
  status: number
  /** After redirects. */
  url: URL
  /** Value of a header by its lower-case name; of several, the first. */
  header(name: string): string | undefined
  /** Throws whatever the connection threw, or the reason of the signal. */
  body: AsyncIterable<Buffer>
  /** Reads no further and frees the connection. */
  discard(): void
}

export interface AskOptions {
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  signal: AbortSignal
  proxy: ProxySettings
}

/** One GET of one address, without redirects, retries or checks. */
export interface Transport {
  get(url: URL, options: AskOptions): Promise<Answer>
  close(): Promise<void>
}
