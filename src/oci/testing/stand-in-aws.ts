import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LarderError } from '../../core/index.ts'
import { collect } from '../../core/testing/collect.ts'
import type { AwsSend } from '../disk-image/ec2/aws-exchange.ts'
import { signRequest, type AwsCredentials } from '../disk-image/ec2/sign-request.ts'
import { isAsDocumented } from './ec2-parameters.ts'

/** What an account has, and what was asked of it. */
export interface StandInAws extends AsyncDisposable {
  url: string
  send: AwsSend
  /** `PutObject part 1`, `ImportSnapshot` …, refused ones too. */
  calls: string[]
  /** By `/bucket/key`. */
  objects: Map<string, { bytes: Buffer; sha256: string }>
  uploads: Map<string, { path: string; sha256: string; parts: Map<number, Buffer> }>
  imports: Map<string, { id: string; looks: number; failure: string | undefined }>
  images: Map<string, Record<string, string>>
  /** What the next calls of a name are answered, one each. */
  faults: Map<string, Answer[]>
  /** What becomes of imports that are begun now, after two looks. Default: they succeed. */
  importFailure: string | undefined
}

export interface Answer {
  status: number
  code: string
  message?: string
  /** The work is done before the answer. */
  isDone?: boolean
}

interface Asked {
  request: IncomingMessage
  url: URL
  body: Buffer
  /** Of a request to EC2. */
  form: URLSearchParams
}

/** A server that knows as much of S3 and EC2 as an import needs, and refuses what is not signed by these credentials. */
export async function startStandInAws(options: { region: string; credentials: AwsCredentials }): Promise<StandInAws> {
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      response.destroy(error as Error)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const account: StandInAws = {
    url,
    send: sendByFetch,
    calls: [],
    objects: new Map(),
    uploads: new Map(),
    imports: new Map(),
    images: new Map(),
    faults: new Map(),
    importFailure: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await collect(request as AsyncIterable<Buffer>))
    const asked = { request, body, url: new URL(request.url!, url), form: new URLSearchParams(body.toString('latin1')) }
    const isEc2 = asked.url.pathname === '/'
    const name = isEc2 ? (asked.form.get('Action') ?? '') : nameOfS3(asked)
    account.calls.push(name)
    const answer = (status: number, text: string, headers: Record<string, string> = {}): void => {
      response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : text)
    }
    const refuse = (status: number, code: string, message = ''): void => {
      const error = `<Code>${code}</Code><Message>${message}</Message>`
      answer(
        status,
        isEc2 ? `<Response><Errors><Error>${error}</Error></Errors></Response>` : `<Error>${error}</Error>`,
      )
    }
    if (!isSigned(asked, isEc2 ? 'ec2' : 's3', options)) {
      refuse(403, 'SignatureDoesNotMatch')
      return
    }
    const fault = account.faults.get(name)?.shift()
    const isDone = fault === undefined || fault.isDone === true
    const result = isDone ? (isEc2 ? answerEc2(account, name, asked.form) : answerS3(account, name, asked)) : fault
    if (fault) refuse(fault.status, fault.code, fault.message)
    else if ('code' in result) refuse(result.status, result.code)
    else answer(200, result.text, result.headers)
  }
  return account
}

type Result = { text: string; headers?: Record<string, string> } | { status: number; code: string }

function isSigned(
  { request, url, body }: Asked,
  service: 's3' | 'ec2',
  { region, credentials }: Parameters<typeof startStandInAws>[0],
): boolean {
  const names = /SignedHeaders=([^,]+)/.exec(request.headers.authorization ?? '')?.[1]?.split(';') ?? []
  const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name] ?? '')]))
  const time = (headers['x-amz-date'] ?? '').replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5Z')
  if (Number.isNaN(Date.parse(time))) return false
  const again = signRequest(
    { method: request.method!, url: url.href, headers, body },
    { service, region, credentials, at: new Date(time) },
  )
  return again['authorization'] === request.headers.authorization
}

function nameOfS3({ request, url }: Asked): string {
  const query = url.searchParams
  if (query.has('uploads')) return request.method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads'
  if (query.has('partNumber')) return `UploadPart ${query.get('partNumber') ?? ''}`
  if (query.has('uploadId')) return request.method === 'POST' ? 'CompleteMultipartUpload' : 'ListParts'
  return `${request.method === 'HEAD' ? 'Head' : request.method === 'DELETE' ? 'Delete' : '?'}Object`
}

/** Lists give two parts a page. */
const pageParts = 2

function answerS3(account: StandInAws, name: string, { url, body, request }: Asked): Result {
  const path = url.pathname
  const upload = account.uploads.get(url.searchParams.get('uploadId') ?? '')
  if (name === 'HeadObject') {
    const object = account.objects.get(path)
    if (!object) return { status: 404, code: 'NoSuchKey' }
    return { text: '', headers: { 'content-length': String(object.bytes.length), 'x-amz-meta-sha256': object.sha256 } }
  }
  if (name === 'DeleteObject') {
    account.objects.delete(path)
    return { text: '' }
  }
  if (name === 'ListMultipartUploads') {
    const prefix = `${path}/${url.searchParams.get('prefix') ?? ''}`
    const found = [...account.uploads].filter(([, { path: at }]) => at.startsWith(prefix))
    const items = found.map(
      ([id, { path: at }]) => `<Upload><Key>${at.slice(path.length + 1)}</Key><UploadId>${id}</UploadId></Upload>`,
    )
    return { text: `<ListMultipartUploadsResult>${items.join('')}</ListMultipartUploadsResult>` }
  }
  if (name === 'CreateMultipartUpload') {
    const id = `upload+${account.uploads.size}/=`
    account.uploads.set(id, { path, sha256: String(request.headers['x-amz-meta-sha256']), parts: new Map() })
    return { text: `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>` }
  }
  if (!upload || upload.path !== path) return { status: 404, code: 'NoSuchUpload' }
  if (name.startsWith('UploadPart')) {
    upload.parts.set(Number(url.searchParams.get('partNumber')), body)
    return { text: '', headers: { etag: tagOf(body) } }
  }
  if (name === 'ListParts')
    return { text: listParts(upload.parts, Number(url.searchParams.get('part-number-marker') ?? 0)) }
  return complete(account, url.searchParams.get('uploadId')!, body.toString())
}

function listParts(parts: ReadonlyMap<number, Buffer>, marker: number): string {
  const after = [...parts].sort(([left], [right]) => left - right).filter(([number]) => number > marker)
  const page = after.slice(0, pageParts)
  const items = page.map(
    ([number, bytes]) =>
      `<Part><PartNumber>${number}</PartNumber><Size>${bytes.length}</Size><ETag>${tagOf(bytes)}</ETag></Part>`,
  )
  const last = page.at(-1)?.[0] ?? 0
  const more = `<IsTruncated>${after.length > page.length}</IsTruncated><NextPartNumberMarker>${last}</NextPartNumberMarker>`
  return `<ListPartsResult>${more}${items.join('')}</ListPartsResult>`
}

function complete(account: StandInAws, id: string, body: string): Result {
  const upload = account.uploads.get(id)!
  const wanted = [...body.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)]
  const numbers = wanted.map(([, number]) => Number(number))
  if (numbers.some((number, index) => number !== index + 1)) return { status: 400, code: 'InvalidPartOrder' }
  const parts = wanted.map(([, number, tag]) => ({ bytes: upload.parts.get(Number(number)), tag }))
  if (parts.some(({ bytes, tag }) => bytes === undefined || tagOf(bytes) !== tag))
    return { status: 400, code: 'InvalidPart' }
  account.objects.set(upload.path, { bytes: Buffer.concat(parts.map(({ bytes }) => bytes!)), sha256: upload.sha256 })
  account.uploads.delete(id)
  return { text: '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>' }
}

function tagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

function answerEc2(account: StandInAws, name: string, form: URLSearchParams): Result {
  const value = (key: string): string => form.get(key) ?? ''
  if (!isAsDocumented(name, form)) return { status: 400, code: 'InvalidParameterValue' }
  switch (name) {
    case 'ImportSnapshot': {
      const path = `/${value('DiskContainer.UserBucket.S3Bucket')}/${value('DiskContainer.UserBucket.S3Key')}`
      const known = account.imports.get(value('ClientToken'))
      if (!known && !account.objects.has(path)) return { status: 400, code: 'InvalidParameter' }
      const task = known ?? { id: `import-snap-${account.imports.size}`, looks: 0, failure: account.importFailure }
      account.imports.set(value('ClientToken'), task)
      return { text: `<ImportSnapshotResponse><importTaskId>${task.id}</importTaskId></ImportSnapshotResponse>` }
    }
    case 'DescribeImportSnapshotTasks': {
      const task = [...account.imports.values()].find(({ id }) => id === value('ImportTaskId.1'))
      if (!task) return { status: 400, code: 'InvalidConversionTaskId.Malformed' }
      task.looks += 1
      const { failure } = task
      const end =
        failure === undefined
          ? `<status>completed</status><snapshotId>snap-${task.id}</snapshotId>`
          : `<status>deleted</status><statusMessage>${failure}</statusMessage>`
      const detail = task.looks < 3 ? '<status>active</status>' : end
      return {
        text: `<R><importSnapshotTaskSet><item><snapshotTaskDetail>${detail}</snapshotTaskDetail></item></importSnapshotTaskSet></R>`,
      }
    }
    case 'RegisterImage': {
      if ([...account.images.values()].some((image) => image['Name'] === value('Name')))
        return { status: 400, code: 'InvalidAMIName.Duplicate' }
      if (!isImported(account, value('BlockDeviceMapping.1.Ebs.SnapshotId')))
        return { status: 400, code: 'InvalidSnapshot.NotFound' }
      const imageId = `ami-${account.images.size}`
      account.images.set(imageId, Object.fromEntries(form))
      return { text: `<RegisterImageResponse><imageId>${imageId}</imageId></RegisterImageResponse>` }
    }
    case 'DescribeImages': {
      const found = [...account.images].filter(([id, image]) =>
        form.has('ImageId.1') ? id === value('ImageId.1') : image['Name'] === value('Filter.1.Value.1'),
      )
      return { text: `<R><imagesSet>${found.map(describeImage).join('')}</imagesSet></R>` }
    }
    default:
      return { status: 400, code: 'InvalidAction' }
  }
}

function isImported({ imports }: StandInAws, snapshotId: string): boolean {
  return [...imports.values()].some(({ id, looks }) => snapshotId === `snap-${id}` && looks >= 3)
}

function describeImage([id, image]: [string, Record<string, string>]): string {
  const tag = `<key>larder:sha256</key><value>${image['TagSpecification.1.Tag.1.Value'] ?? ''}</value>`
  const device = `<ebs><snapshotId>${image['BlockDeviceMapping.1.Ebs.SnapshotId'] ?? ''}</snapshotId></ebs>`
  return `<item><imageId>${id}</imageId><imageState>available</imageState><tagSet><item>${tag}</item></tagSet><blockDeviceMapping><item>${device}</item></blockDeviceMapping></item>`
}

const sendByFetch: AwsSend = async ({ method, url, headers, body }, signal) => {
  const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'host'))
  try {
    const answer = await fetch(url, { method, headers: rest, ...(body ? { body: Buffer.from(body) } : {}), signal })
    return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() }
  } catch (cause) {
    throw new LarderError('FORGE_UNREACHABLE', { message: 'nobody answers', cause })
  }
}
