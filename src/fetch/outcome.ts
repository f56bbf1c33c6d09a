import { LarderError } from '../core/index.ts'
import { redactUrl } from './fetch-url.ts'
import type { FetchResult } from './fetcher.ts'

/** How one try at one address ended. */
export type Outcome = { kind: 'done'; result: FetchResult } | { kind: 'absent' } | Failure

export interface Failure {
  kind: 'failed'
  error: LarderError
  /** `retry`: the same again later may help. `restart`: what was held was wrong. `next`: only another address helps. */
  then: 'retry' | 'restart' | 'next'
  /** What the upstream asked for. */
  waitMs?: number
  /** How far the try got. */
  heldBytes?: number
}

export function tooLarge(url: URL, limitBytes: number): LarderError {
  return new LarderError('FETCH_TOO_LARGE', {
    message: `${redactUrl(url)} is larger than the ${limitBytes} bytes that were promised or are allowed`,
    context: { limitBytes },
  })
}
