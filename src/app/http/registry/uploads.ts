import { isLarderError, LarderError } from '../../../core/index.ts'
import {
  type OciDigest,
  parseDigest,
  isRepositoryName,
  type RepositoryName,
  type UploadPart,
} from '../../../oci/index.ts'
import { bodyInSteps } from './body-in-steps.ts'
import { type Exchange, answer } from './exchange.ts'

/** POST `/v2/<name>/blobs/uploads/`: begins an upload, or is one, or mounts. Source: OCI distribution-spec, end-4, end-11. */
export async function beginUpload(exchange: Exchange, repository: RepositoryName): Promise<void> {
  const { registry, query } = exchange
  const mount = query.get('mount')
  const digest = query.get('digest')
  if (mount !== null && (await isMounted(exchange, repository, parseDigest(mount)))) {
    answerCreated(exchange, repository, parseDigest(mount))
    return
  }
  const id = await registry.beginUpload(repository)
  if (digest === null) {
    answerUpload(exchange, { repository, id, status: 202, offsetBytes: 0 })
    return
  }
  try {
    await registry.finishUpload(repository, id, parseDigest(digest), partOf(exchange))
  } catch (error) {
    // Nobody was told the name of this upload: nobody can go on with it.
    await registry.cancelUpload(repository, id).catch(unlessGone)
    throw error
  }
  answerCreated(exchange, repository, parseDigest(digest))
}

/** From the repository that is named; or, when none is, from any that may be pulled from and has it. */
async function isMounted(exchange: Exchange, repository: RepositoryName, digest: OciDigest): Promise<boolean> {
  const { registry, query } = exchange
  const named = query.get('from')
  const candidates = named === null ? await registry.holders(digest) : [named].filter(isRepositoryName)
  for (const from of candidates) {
    if (exchange.mayPull(from) && (await registry.mountBlob(repository, digest, from))) return true
  }
  return false
}

/** GET, PATCH, PUT and DELETE of `/v2/<name>/blobs/uploads/<id>`. Source: OCI distribution-spec, end-5, end-6, end-13. */
export async function serveUpload(exchange: Exchange, repository: RepositoryName, id: string): Promise<void> {
  const { registry, query, request } = exchange
  const of = { repository, id }
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      answerUpload(exchange, { ...of, status: 204, offsetBytes: await registry.uploadOffset(repository, id) })
      return
    case 'DELETE':
      await registry.cancelUpload(repository, id)
      answer(exchange, 204)
      return
    case 'PATCH':
      return tellRange(exchange, of, async () => {
        const offsetBytes = await registry.writeUpload(repository, id, partOf(exchange))
        answerUpload(exchange, { ...of, status: 202, offsetBytes })
      })
    default:
      return tellRange(exchange, of, async () => {
        const digest = parseDigest(query.get('digest') ?? '')
        await registry.finishUpload(repository, id, digest, partOf(exchange))
        answerCreated(exchange, repository, digest)
      })
  }
}

/** A part that begins at the wrong byte is told where the right one is. */
async function tellRange(
  exchange: Exchange,
  { repository, id }: { repository: RepositoryName; id: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (isLarderError(error, 'OCI_RANGE_INVALID')) {
      const offsetBytes = await exchange.registry.uploadOffset(repository, id)
      for (const [name, value] of Object.entries(uploadHeaders(exchange, { repository, id, offsetBytes }))) {
        exchange.response.setHeader(name, value)
      }
    }
    throw error
  }
}

/** Content-Range has no unit here, and both of its ends are inclusive. OCI_RANGE_INVALID, OCI_SIZE_INVALID. */
function partOf(exchange: Exchange): UploadPart {
  const { 'content-length': length, 'content-range': range } = exchange.request.headers
  const body = bodyInSteps(exchange.request)
  const lengthBytes = length === undefined ? undefined : Number(length)
  if (range === undefined || lengthBytes === 0) return { body, lengthBytes }
  const [, first = '', last = ''] = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(range.trim()) ?? []
  if (first === '' || Number(last) < Number(first)) {
    throw new LarderError('OCI_RANGE_INVALID', {
      message: `Content-Range is “${range.slice(0, 60)}”.`,
      hint: 'Write the first and the last byte of the part, as in 0-99.',
    })
  }
  const rangeBytes = Number(last) - Number(first) + 1
  if (lengthBytes !== undefined && lengthBytes !== rangeBytes) {
    throw new LarderError('OCI_SIZE_INVALID', {
      message: `Content-Range tells of ${rangeBytes} bytes, Content-Length of ${lengthBytes}.`,
      hint: 'Both must be the length of the part.',
    })
  }
  return { body, startBytes: Number(first), lengthBytes: rangeBytes }
}

interface UploadState {
  repository: RepositoryName
  id: string
  offsetBytes: number
}

function answerUpload(exchange: Exchange, { status, ...state }: UploadState & { status: 202 | 204 }): void {
  answer(exchange, status, uploadHeaders(exchange, state))
}

function uploadHeaders({ prefix }: Exchange, { repository, id, offsetBytes }: UploadState): Record<string, string> {
  return {
    location: `${prefix}/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, offsetBytes - 1)}`,
    'docker-upload-uuid': id,
  }
}

function answerCreated(exchange: Exchange, repository: RepositoryName, digest: OciDigest): void {
  answer(exchange, 201, {
    location: `${exchange.prefix}/v2/${repository}/blobs/${digest}`,
    'docker-content-digest': digest,
  })
}

function unlessGone(error: unknown): void {
  if (!isLarderError(error, 'OCI_UPLOAD_UNKNOWN')) throw error
}
