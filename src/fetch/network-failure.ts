import { LarderError } from '../core/index.ts'
import { redactUrl } from './fetch-url.ts'

/** What a connection's error means, in our words. */
export function networkFailure(error: unknown, url: URL, phase: 'asking' | 'reading'): LarderError {
  if (error instanceof LarderError) return error
  const code = codeOf(error)
  const where = redactUrl(url)
  if (phase === 'reading') {
    return new LarderError('FETCH_TRUNCATED', {
      message: `${where}: the connection ended early (${code})`,
      cause: error,
    })
  }
  const hint = hintFor(code)
  return new LarderError('FETCH_UNREACHABLE', {
    message: `${where}: ${explain(code)}`,
    ...(hint === undefined ? {} : { hint }),
    cause: error,
    context: { systemCode: code },
  })
}

/** Nobody is there at all: asking again at once is of no use when there is another address. */
export function isNobodyThere(error: LarderError): boolean {
  const code = error.context.systemCode
  return (
    typeof code === 'string' && /^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code)
  )
}

/** A certificate does not get better by asking again. */
export function isCertificateFailure(error: LarderError): boolean {
  const code = error.context.systemCode
  return typeof code === 'string' && /CERT|SELF_SIGNED|ERR_TLS/.test(code)
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? error.message : codeOf(error.cause)
}

function explain(code: string): string {
  if (code === 'ECONNREFUSED') return 'nothing listens at this address'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name of the host cannot be resolved'
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'the host did not answer in time'
  if (/CERT|SELF_SIGNED|ERR_TLS/.test(code)) return `the certificate of the host is not trusted (${code})`
  return `no answer (${code})`
}

function hintFor(code: string): string | undefined {
  if (/CERT|SELF_SIGNED/.test(code)) return "add the host's authority to the system's certificates, or mend its clock"
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'check the spelling of the host, DNS, and http_proxy if one is needed'
  return undefined
}
