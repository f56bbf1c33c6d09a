import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { LarderError } from '../../../core/index.ts'

/**
 * All bytes of a delivery; undefined when the sender went away. What is larger than `mostBytes` is refused as soon as
 * that is known, which is before a byte is read where it says how large it is. HOOK_TOO_LARGE.
 */
export function readHookBytes(request: IncomingMessage, mostBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => {
      request.removeAllListeners('data').resume()
      reject(tooLarge(mostBytes))
    }
    if (Number(request.headers['content-length'] ?? 0) > mostBytes) {
      refuse()
      return
    }
    const chunks: Buffer[] = []
    let sizeBytes = 0
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes > mostBytes) refuse()
      else chunks.push(chunk)
    })
    request.on('end', () => {
      resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
    })
    request.on('error', () => {
      resolve(undefined)
    })
    request.on('close', () => {
      resolve(undefined)
    })
  })
}

/** The JSON text of a delivery: the body itself, or the field `payload` of a form. HOOK_MALFORMED. */
export function readHookBody(bytes: Buffer, contentType: string | undefined): string {
  if (!isUtf8(bytes)) {
    throw new LarderError('HOOK_MALFORMED', { message: 'The body of the delivery is not UTF-8.' })
  }
  const text = bytes.toString('utf8')
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') return text
  const payload = new URLSearchParams(text).get('payload')
  if (payload === null) {
    throw new LarderError('HOOK_MALFORMED', { message: 'The form has no field named payload.' })
  }
  return payload
}

function tooLarge(mostBytes: number): LarderError {
  return new LarderError('HOOK_TOO_LARGE', {
    message: `The delivery is larger than ${mostBytes} bytes.`,
    hint: 'Nothing that Larder acts on is that large: choose fewer events in the settings of the hook.',
  })
}
