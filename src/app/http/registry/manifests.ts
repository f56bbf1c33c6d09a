import { LarderError } from '../../../core/index.ts'
import { maxManifestBytes, parseReference, parseTag, type Reference, type RepositoryName } from '../../../oci/index.ts'
import { type Exchange, answer, bodyOf, contentTypeOf } from './exchange.ts'

/** GET, HEAD, PUT and DELETE of `/v2/<name>/manifests/<reference>`. Source: OCI distribution-spec, end-2, end-7, end-9. */
export async function serveManifest(exchange: Exchange, repository: RepositoryName, text: string): Promise<void> {
  switch (exchange.request.method) {
    case 'PUT':
      return putManifest(exchange, repository, parseReference(text))
    case 'DELETE':
      await exchange.registry.removeManifest(repository, parseReference(text))
      answer(exchange, 202)
      return
    default:
      return getManifest(exchange, repository, text)
  }
}

async function getManifest(exchange: Exchange, repository: RepositoryName, text: string): Promise<void> {
  const { registry, request, response } = exchange
  const info = await registry.manifest(repository, readableReference(text))
  if (info === undefined) throw unknown(repository, text)
  const headers = {
    'content-type': info.mediaType,
    'docker-content-digest': info.digest,
    etag: `"${info.digest}"`,
    'x-content-type-options': 'nosniff',
  }
  if (request.headers['if-none-match']?.includes(headers.etag) === true) {
    response.writeHead(304, headers).end()
    return
  }
  const wantsBody = request.method !== 'HEAD'
  const body = wantsBody ? await registry.manifestContent(repository, info.digest) : undefined
  response.writeHead(200, { ...headers, 'content-length': info.sizeBytes }).end(body)
}

/** By digest with tags as `?tag=a&tag=b`, too, as the spec is going to have it after 1.1. */
async function putManifest(exchange: Exchange, repository: RepositoryName, reference: Reference): Promise<void> {
  const { registry, prefix, query } = exchange
  const tags = 'digest' in reference ? query.getAll('tag').map(parseTag) : []
  const bytes = await readBody(exchange)
  const put = await registry.putManifest(repository, reference, { bytes, contentType: contentTypeOf(exchange), tags })
  answer(exchange, 201, {
    location: `${prefix}/v2/${repository}/manifests/${put.digest}`,
    'docker-content-digest': put.digest,
    ...(put.subject === undefined ? {} : { 'oci-subject': put.subject }),
    ...(tags.length === 0 ? {} : { 'oci-tag': tags }),
  })
}

/** What cannot be a tag is none: it is not there, rather than wrong. */
function readableReference(text: string): Reference {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof LarderError && error.code === 'OCI_TAG_INVALID') return { tag: '' }
    throw error
  }
}

function unknown(repository: RepositoryName, text: string): LarderError {
  return new LarderError('OCI_MANIFEST_UNKNOWN', {
    message: `${repository} has no manifest ${text.slice(0, 160)}.`,
    hint: `Its tags are listed at /v2/${repository}/tags/list.`,
  })
}

async function readBody(exchange: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of bodyOf(exchange)) {
    sizeBytes += chunk.length
    if (sizeBytes > maxManifestBytes) {
      throw new LarderError('OCI_MANIFEST_TOO_LARGE', {
        message: `The manifest has more than the ${maxManifestBytes} bytes that are taken.`,
        hint: 'Put large content into blobs.',
      })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
