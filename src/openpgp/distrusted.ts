import { LarderError, type ErrorDetails, type ErrorCode } from '../core/index.ts'

const hints: Partial<Record<ErrorCode, string>> = {
  SIGNATURE_UNTRUSTED: 'Add the key of the upstream to its keys, after checking its fingerprint with the publisher.',
  SIGNATURE_KEY_EXPIRED: 'Get the renewed key from the publisher; on Debian, update the package of archive keys.',
  SIGNATURE_KEY_REVOKED: 'The publisher withdrew this key. Get the key that replaces it, and ask why.',
  SIGNATURE_BAD: 'The file was damaged or changed on its way, or a proxy answered with something else.',
}

/** Why something signed is not believed. */
export function distrusted(
  code: ErrorCode,
  reasons: readonly string[],
  { what = 'The Release file' }: { what?: string },
  cause?: unknown,
): LarderError {
  const hint = hints[code]
  const details: ErrorDetails = {
    message: `${what} cannot be trusted: ${reasons.join('; ')}.`,
    context: { reasons },
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  }
  return new LarderError(code, details)
}
