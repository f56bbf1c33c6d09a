import type { ServerResponse } from 'node:http'
import { type ErrorCode, type LarderError } from '../../../core/index.ts'

/** Our codes in the words of the specification; what it has no word for is told in ours. */
const codes: Partial<Record<ErrorCode, string>> = {
  OCI_NAME_INVALID: 'NAME_INVALID',
  OCI_NAME_UNKNOWN: 'NAME_UNKNOWN',
  OCI_TAG_INVALID: 'MANIFEST_INVALID',
  OCI_DIGEST_INVALID: 'DIGEST_INVALID',
  OCI_SIZE_INVALID: 'SIZE_INVALID',
  OCI_RANGE_INVALID: 'BLOB_UPLOAD_INVALID',
  OCI_BLOB_UNKNOWN: 'BLOB_UNKNOWN',
  OCI_BLOB_IN_USE: 'UNSUPPORTED',
  OCI_UPLOAD_UNKNOWN: 'BLOB_UPLOAD_UNKNOWN',
  OCI_MANIFEST_INVALID: 'MANIFEST_INVALID',
  OCI_MANIFEST_TOO_LARGE: 'SIZE_INVALID',
  OCI_MANIFEST_UNKNOWN: 'MANIFEST_UNKNOWN',
  OCI_MANIFEST_INCOMPLETE: 'MANIFEST_BLOB_UNKNOWN',
  OCI_TAG_IMMUTABLE: 'DENIED',
  OCI_METHOD_UNSUPPORTED: 'UNSUPPORTED',
  OCI_CACHE_READ_ONLY: 'DENIED',
  UNAUTHORIZED: 'UNAUTHORIZED',
  RATE_LIMITED: 'TOOMANYREQUESTS',
}

/**
 * Answers what went wrong in the form that clients of registries read; the hint stands in the message, since clients
 * print no more than that. Source: OCI distribution-spec, "Error Codes".
 */
export function answerRegistryError(response: ServerResponse, error: LarderError): void {
  const code = codes[error.code] ?? error.code
  const message = error.hint === undefined ? error.message : `${error.message} ${error.hint}`
  const body = JSON.stringify({ errors: [{ code, message, detail: error.context }] })
  response.writeHead(error.httpStatus, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
