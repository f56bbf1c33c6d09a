import { LarderError } from '../core/index.ts'
import type { Expectation } from './blob-store.ts'

export interface Measured {
  sizeBytes: number
  sha256: string
  /** Measured only when it is expected. */
  sha512?: string
}

/** Throws unless the bytes are what was promised. SIZE_MISMATCH, DIGEST_MISMATCH. */
export function checkExpectation(what: string, expected: Expectation, measured: Measured): void {
  if (expected.sizeBytes !== undefined && expected.sizeBytes !== measured.sizeBytes) {
    throw new LarderError('SIZE_MISMATCH', {
      message: `${what}: ${measured.sizeBytes} bytes arrived, ${expected.sizeBytes} were promised.`,
      context: { expected, measured },
    })
  }
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const wanted = expected[algorithm]
    if (wanted === undefined || wanted.toLowerCase() === measured[algorithm]) continue
    throw new LarderError('DIGEST_MISMATCH', {
      message: `${what}: the bytes that arrived have ${algorithm} ${measured[algorithm] ?? ''}, ${wanted} was promised.`,
      context: { expected, measured },
    })
  }
}
