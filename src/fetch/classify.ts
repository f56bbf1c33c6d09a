import { LarderError, parseRetryAfter } from '../core/index.ts'
import { parseContentLength, parseContentRange } from './content-range.ts'
import { redactUrl } from './fetch-url.ts'
import type { FetchRequest, Validators } from './fetcher.ts'
import { tooLarge, type Failure, type Outcome } from './outcome.ts'
import { validatorsOf } from './resume.ts'
import type { Answer } from './transport.ts'

/** The body is worth reading. */
export interface Reception {
  kind: 'receive'
  /** The bytes go on where we stopped; otherwise they begin at 0. */
  resumed: boolean
  /** Size of the whole file, when it is known. */
  totalBytes: number | undefined
  limitBytes: number
  validators: Validators
}

interface Asked {
  request: FetchRequest
  askedFrom: number
  headers: Readonly<Record<string, string>>
  now: Date
}

/** Decides from status and headers alone what an answer means (RFC 9110 §15). Pure. */
export function classify(answer: Answer, asked: Asked): Reception | Outcome {
  switch (answer.status) {
    case 200:
      return whole(answer, asked.request)
    case 206:
      return part(answer, asked)
    case 304:
      if (asked.headers['if-none-match'] === undefined && asked.headers['if-modified-since'] === undefined) break
      return { kind: 'done', result: { kind: 'not-modified', url: redactUrl(answer.url) } }
    case 404:
    case 410:
      return { kind: 'absent' }
    case 416:
      return failed(answer, 'restart', 'cannot go on where we stopped')
    case 408:
    case 429:
      return later(answer, asked.now)
  }
  return answer.status >= 500 ? later(answer, asked.now) : failed(answer, 'next')
}

function whole(answer: Answer, request: FetchRequest): Reception | Failure {
  return accept(answer, { request, resumed: false, totalBytes: parseContentLength(answer.header('content-length')) })
}

function part(answer: Answer, asked: Asked): Reception | Failure {
  if (asked.headers.range === undefined) return failed(answer, 'next', 'sent a part that nobody asked for')
  const range = parseContentRange(answer.header('content-range'))
  const length = parseContentLength(answer.header('content-length'))
  const expectedBytes = asked.request.expected?.sizeBytes
  const totalBytes = range?.totalBytes ?? expectedBytes
  const right =
    range !== undefined &&
    range.start === asked.askedFrom &&
    (length === undefined || length === range.end - range.start) &&
    (totalBytes === undefined || expectedBytes === undefined || totalBytes === expectedBytes)
  if (!right) return failed(answer, 'restart', 'sent another part than was asked for')
  return accept(answer, { request: asked.request, resumed: true, totalBytes })
}

function accept(
  answer: Answer,
  { request, resumed, totalBytes }: { request: FetchRequest; resumed: boolean; totalBytes: number | undefined },
): Reception | Failure {
  const promised = request.expected?.sizeBytes
  const limitBytes = Math.min(promised ?? Infinity, request.maxBytes)
  if (totalBytes !== undefined && totalBytes > limitBytes) {
    return { kind: 'failed', error: tooLarge(answer.url, limitBytes), then: 'next' }
  }
  if (totalBytes !== undefined && promised !== undefined && totalBytes < promised) {
    const error = new LarderError('SIZE_MISMATCH', {
      message: `${redactUrl(answer.url)} has ${totalBytes} bytes instead of the promised ${promised}`,
      context: { url: redactUrl(answer.url) },
    })
    return { kind: 'failed', error, then: 'next' }
  }
  return { kind: 'receive', resumed, totalBytes: totalBytes ?? promised, limitBytes, validators: validatorsOf(answer) }
}

function later(answer: Answer, now: Date): Failure {
  const waitMs = parseRetryAfter(answer.header('retry-after'), now)
  return { ...failed(answer, 'retry'), ...(waitMs === undefined ? {} : { waitMs }) }
}

function failed(answer: Answer, then: Failure['then'], why?: string): Failure {
  const error = new LarderError(then === 'retry' ? 'FETCH_BUSY' : 'FETCH_STATUS', {
    message: `${redactUrl(answer.url)} ${why ?? 'answered'} (HTTP status ${answer.status})`,
    ...(answer.status === 401 || answer.status === 403 || answer.status === 407
      ? { hint: 'the upstream or a proxy asks for permission: check user and password in the address' }
      : {}),
    context: { status: answer.status },
  })
  return { kind: 'failed', error, then }
}
