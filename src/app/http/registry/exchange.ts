import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { LarderError } from '../../../core/index.ts'
import type { Registry, RepositoryName } from '../../../oci/index.ts'
import type { BodySender } from '../files/send-body.ts'

/** One request to the registry and what its answer needs. */
export interface Exchange {
  registry: Registry
  request: IncomingMessage
  response: ServerResponse
  query: URLSearchParams
  bodies: BodySender
  /** Path under which clients reach us, as in `/larder`; mostly ''. */
  prefix: string
  /** Whether who asks may pull from another repository than the one asked for. */
  mayPull: (repository: RepositoryName) => boolean
}

/** Answers without a body, or with one that is JSON. */
export function answer(
  { request, response }: Exchange,
  status: number,
  headers: OutgoingHttpHeaders = {},
  json?: unknown,
): void {
  if (json === undefined) {
    // Clients of this protocol look at the length of empty answers, too; 204 has none (RFC 9110 §8.6).
    response.writeHead(status, status === 204 ? headers : { 'content-length': 0, ...headers }).end()
    return
  }
  const body = JSON.stringify(json)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** Whoever stops reading it can still answer: the connection is not torn down with it. */
export function bodyOf({ request }: Exchange): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
}

/** Type of a body, without parameters. */
export function contentTypeOf({ request }: Exchange): string | undefined {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  return type === '' ? undefined : type
}

/** `n` and `last` of a list. USAGE. */
export function pageOf({ query }: Exchange): { count?: number; last?: string } {
  const last = query.get('last')
  const count = query.get('n')
  if (count !== null && !/^\d{1,9}$/.test(count)) {
    throw new LarderError('USAGE', {
      message: `n is “${count.slice(0, 20)}”, which is no number.`,
      hint: 'Write how many names are wanted, as in ?n=100.',
    })
  }
  return { ...(count === null ? {} : { count: Number(count) }), ...(last === null ? {} : { last }) }
}

/** Where a list goes on. Source: RFC 8288, as OCI distribution-spec uses it. */
export function nextPage(path: string, query: Record<string, string>): OutgoingHttpHeaders {
  return { link: `<${path}?${new URLSearchParams(query).toString()}>; rel="next"` }
}
