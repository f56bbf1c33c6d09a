import { LarderError } from '../../../core/index.ts'

/** The JSON text of a delivery: the body itself, or the field `payload` of a form. HOOK_MALFORMED. */
export function readHookBody(bytes: Uint8Array, contentType: string | undefined): string {
  const text = decode(bytes)
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') return text
  const payload = new URLSearchParams(text).get('payload')
  if (payload === null) {
    throw new LarderError('HOOK_MALFORMED', { message: 'The form has no field named payload.' })
  }
  return payload
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new LarderError('HOOK_MALFORMED', { message: 'The body of the delivery is not UTF-8.', cause })
  }
}
