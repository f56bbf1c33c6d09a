import { parseDigest, type OpenBlob, type RepositoryName } from '../../../oci/index.ts'
import { LarderError } from '../../../core/index.ts'
import { parseRange } from '../files/byte-range.ts'
import { type Exchange, answer } from './exchange.ts'

/** GET, HEAD and DELETE of `/v2/<name>/blobs/<digest>`. Source: OCI distribution-spec, end-2, end-10. */
export async function serveBlob(exchange: Exchange, repository: RepositoryName, text: string): Promise<void> {
  const { registry, request } = exchange
  const digest = parseDigest(text)
  if (request.method === 'DELETE') {
    await registry.removeBlob(repository, digest)
    answer(exchange, 202)
    return
  }
  const blob = await registry.blob(repository, digest)
  if (blob === undefined) {
    throw new LarderError('OCI_BLOB_UNKNOWN', {
      message: `${repository} has no blob ${digest}.`,
      hint: 'Push it, or mount it from a repository that has it.',
    })
  }
  await sendBlob(exchange, blob)
}

async function sendBlob({ request, response, bodies }: Exchange, blob: OpenBlob): Promise<void> {
  const { digest, sizeBytes } = blob
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'cache-control': 'max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  }
  if (request.headers['if-none-match']?.includes(headers.etag) === true) {
    response.writeHead(304, headers).end()
    return
  }
  const counts = request.headers['if-range'] === undefined || request.headers['if-range'] === headers.etag
  const range = counts && request.method === 'GET' ? parseRange(request.headers.range, sizeBytes) : 'whole'
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${sizeBytes}`, 'content-length': 0 }).end()
    return
  }
  const { start, end } = range === 'whole' ? { start: 0, end: sizeBytes } : range
  const rangeHeader = range === 'whole' ? {} : { 'content-range': `bytes ${start}-${end - 1}/${sizeBytes}` }
  const status = range === 'whole' ? 200 : 206
  const writeHead = () => response.writeHead(status, { ...headers, ...rangeHeader, 'content-length': end - start })
  if (request.method === 'HEAD' || start === end) writeHead().end()
  else await bodies.send(response, { ...blob, label: digest }, { start, end }, writeHead)
}
