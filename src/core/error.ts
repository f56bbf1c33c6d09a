import { catalogue, type ErrorCode } from './error-catalogue.ts'

export interface ErrorDetails {
  /** What happened, where, and why: one sentence or two, without a trailing hint. */
  message: string
  /** What the reader can do about it. */
  hint?: string
  cause?: unknown
  /** Facts for programs: paths, names, sizes. Never secrets. */
  context?: Record<string, unknown>
}

/** Every failure that Larder foresees. Anything else that is thrown is a bug. */
export class LarderError extends Error {
  override readonly name = 'LarderError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly context: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.context = details.context ?? {}
  }

  /** Whether doing the same again later may succeed. */
  get retryable(): boolean {
    return catalogue[this.code].retryable
  }

  /** Status of an HTTP answer that reports this error. */
  get httpStatus(): number {
    return catalogue[this.code].httpStatus
  }

  /** Exit status of a command that ends with this error: 1 failed, 2 wrong usage, 3 refused by a check. */
  get exitCode(): 1 | 2 | 3 {
    return catalogue[this.code].exitCode
  }

  toJSON(): { code: ErrorCode; message: string; hint?: string; context: Readonly<Record<string, unknown>> } {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      context: this.context,
    }
  }
}

/** The same failure, with what only the one that passes it on knows: of what, where, when it was good last. */
export function retell(error: LarderError, message: string, context: Record<string, unknown> = {}): LarderError {
  return new LarderError(error.code, {
    message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
    context: { ...error.context, ...context },
  })
}

/** True for a LarderError, and when codes are given, only for one of those codes. */
export function isLarderError(error: unknown, ...codes: ErrorCode[]): error is LarderError {
  return error instanceof LarderError && (codes.length === 0 || codes.includes(error.code))
}
