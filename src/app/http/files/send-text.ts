import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

export interface TextAnswer {
  status: number
  text: string
  headers?: OutgoingHttpHeaders
}

/** A short answer, without its body for HEAD. */
export function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  { status, text, headers = {} }: TextAnswer,
): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}
