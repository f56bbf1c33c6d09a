import { isLarderError, LarderError, ownValue, type Clock } from '../../../core/index.ts'
import { pause } from './pause.ts'
import { signRequest, type AwsCredentials } from './sign-request.ts'
import { parseReply, textAt, type XmlReply } from './xml-reply.ts'

/** One HTTP exchange, made by whoever holds the network. Throws an error of Larder's that is retryable when nobody answers. */
export type AwsSend = (
  request: { method: string; url: string; headers: Record<string, string>; body?: Uint8Array },
  signal: AbortSignal,
) => Promise<{ status: number; headers: Readonly<Record<string, string | undefined>>; text: string }>

export interface AwsExchangeOptions {
  service: 'ec2' | 's3'
  region: string
  /** Address of the service, without a slash at the end. */
  endpoint: string
  credentials: AwsCredentials
  send: AwsSend
  clock: Clock
  signal: AbortSignal
}

export interface AwsRequest {
  method: string
  /** With its query; begins with a slash. */
  path: string
  headers?: Record<string, string>
  body?: Uint8Array
  /** What is asked for, for messages: `RegisterImage`. */
  action: string
  /** Codes of refusals that are answers to the caller. Default none. */
  allows?: readonly string[]
}

export interface AwsReply {
  headers: Readonly<Record<string, string | undefined>>
  xml: XmlReply | undefined
  /** The code of a refusal that the caller allows. */
  refusal: string | undefined
}

export type AwsExchange = (request: AwsRequest) => Promise<AwsReply>

const maxAttempts = 6

/**
 * Signed exchanges with one service. What is busy, or does not answer, is asked again after 1, 2, 4 … seconds: every
 * request that is made here may be repeated. EC2_UNREACHABLE (retryable), EC2_REFUSED, CANCELLED.
 */
export function createAwsExchange(options: AwsExchangeOptions): AwsExchange {
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      if (options.signal.aborted) throw new LarderError('CANCELLED', { message: `${request.action} was stopped` })
      const outcome = await attemptOnce(options, request)
      if (!('busy' in outcome)) return outcome
      if (attempt >= maxAttempts) throw unreachable(options, request, outcome.busy)
      await pause(1000 * 2 ** (attempt - 1), options)
    }
  }
}

async function attemptOnce(options: AwsExchangeOptions, request: AwsRequest): Promise<AwsReply | { busy: string }> {
  const { service, region, endpoint, credentials, send, clock, signal } = options
  const { method, headers = {}, body = new Uint8Array() } = request
  const url = endpoint + request.path
  const signed = signRequest({ method, url, headers, body }, { service, region, credentials, at: clock.now() })
  const sent = { method, url, headers: signed, ...(body.length > 0 ? { body } : {}) }
  let answer: Awaited<ReturnType<AwsSend>>
  try {
    answer = await send(sent, signal)
  } catch (error) {
    if (signal.aborted) throw new LarderError('CANCELLED', { message: `${request.action} was stopped`, cause: error })
    if (!isLarderError(error) || !error.retryable) throw error
    return { busy: error.message }
  }
  const xml = answer.text === '' ? undefined : parseReply(answer.text)
  const refusal = refusalOf(answer.status, xml)
  if (refusal === undefined) return { headers: answer.headers, xml, refusal }
  if (request.allows?.includes(refusal.code) === true) return { headers: answer.headers, xml, refusal: refusal.code }
  if (answer.status >= 500 || busyCodes.has(refusal.code)) return { busy: `${refusal.code}: ${refusal.message}` }
  throw refused(options, request, refusal)
}

interface Refusal {
  code: string
  message: string
}

/** S3 completes an upload with 200 before it knows whether it can. */
function refusalOf(status: number, xml: XmlReply | undefined): Refusal | undefined {
  const found = xml?.name === 'Error' ? xml : undefined
  const inside = found ?? (xml?.name === 'Response' ? xml.children[0]?.children[0] : undefined)
  if (status >= 200 && status < 300 && found === undefined) return undefined
  return { code: textAt(inside, 'Code') ?? `HTTP ${status}`, message: textAt(inside, 'Message') ?? 'no reason given' }
}

/** Source: Amazon EC2 API Reference, "Error codes"; Amazon S3 API Reference, "Error responses". */
const busyCodes: ReadonlySet<string> = new Set([
  'InternalError',
  'InternalFailure',
  'RequestLimitExceeded',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'Unavailable',
])

const hints: Record<string, string> = {
  // An answer to HEAD has no more to say.
  'HTTP 403': 'Give the credentials the right to do this in the bucket, and look at the clock of this host.',
  AccessDenied: 'Give the credentials the right to do this in the bucket.',
  AuthFailure: 'Look at the access key, and at the clock of this host.',
  InvalidAccessKeyId: 'Look at the access key: there is none of this id.',
  NoSuchBucket: 'Make the bucket, in the region of the configuration.',
  RequestTimeTooSkewed: 'Set the clock of this host.',
  SignatureDoesNotMatch: 'Look at the secret access key.',
  UnauthorizedOperation: 'Give the credentials the right to do this in EC2.',
  InvalidParameter: 'EC2 imports by a role of its own, vmimport, that may read the bucket: does it exist?',
}

function refused({ service }: AwsExchangeOptions, { action }: AwsRequest, { code, message }: Refusal): LarderError {
  const hint = ownValue(hints, code)
  return new LarderError('EC2_REFUSED', {
    message: `${service.toUpperCase()} refuses ${action}: ${code}: ${message.slice(0, 500)}`,
    ...(hint === undefined ? {} : { hint }),
    context: { action, code },
  })
}

function unreachable({ endpoint }: AwsExchangeOptions, { action }: AwsRequest, why: string): LarderError {
  return new LarderError('EC2_UNREACHABLE', {
    message: `${action} was tried ${maxAttempts} times at ${new URL(endpoint).host}, the last time: ${why.slice(0, 500)}`,
    hint: 'It is tried again with the next run; what was uploaded stays.',
    context: { action },
  })
}
