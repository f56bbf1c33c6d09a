import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import type { Log } from '../../../core/index.ts'
import type { AwsExchange } from './aws-exchange.ts'
import { listAt, textAt } from './xml-reply.ts'

export interface DiskObject {
  bucket: string
  key: string
}

export interface UploadOptions {
  diskPath: string
  /** Of the whole file. */
  sha256: string
  sizeBytes: number
  object: DiskObject
  /** At S3, with the bucket in its path. */
  exchange: AwsExchange
  log: Log
  /** Default 16 MiB, or what makes 9,000 parts. S3 takes no less than 5 MiB but for the last, and 10,000 at most. */
  partBytes?: number
}

const digestHeader = 'x-amz-meta-sha256'
const mebibyte = 1024 * 1024

/**
 * Uploads a disk in parts, two at a time. What is there already is not sent again: the whole object, or the parts of an
 * upload that was cut off, which S3 keeps. Memory: two parts. EC2_UNREACHABLE, EC2_REFUSED, CANCELLED.
 */
export async function uploadDisk(options: UploadOptions): Promise<void> {
  const { sizeBytes, sha256, log } = options
  const head = await ask(options, 'HEAD', '', { action: 'HeadObject', allows: ['HTTP 404', 'NoSuchKey'] })
  if (head.headers['content-length'] === String(sizeBytes) && head.headers[digestHeader] === sha256) return
  const found = await findUpload(options)
  const uploadId = found ?? (await beginUpload(options))
  const present = found === undefined ? new Map<number, Part>() : await listParts(options, uploadId)
  if (present.size > 0) log.info('an upload to S3 goes on where it was cut off', { parts: present.size })
  const parts = await sendParts(options, uploadId, present)
  await completeUpload(options, uploadId, parts)
}

/** Takes the object away. Nothing there is fine. EC2_UNREACHABLE, EC2_REFUSED. */
export async function removeDiskObject(object: DiskObject, exchange: AwsExchange): Promise<void> {
  await exchange({ method: 'DELETE', path: pathOf(object), action: 'DeleteObject', allows: ['NoSuchKey', 'HTTP 404'] })
}

interface Part {
  tag: string
  sizeBytes: number
}

async function findUpload(options: UploadOptions): Promise<string | undefined> {
  const { key, bucket } = options.object
  const query = new URLSearchParams({ uploads: '', prefix: key })
  const { xml } = await options.exchange({
    method: 'GET',
    path: `/${bucket}?${query.toString()}`,
    action: 'ListMultipartUploads',
  })
  const uploads = listAt(xml, [], 'Upload').filter((upload) => textAt(upload, 'Key') === key)
  return textAt(uploads.at(-1), 'UploadId')
}

async function beginUpload(options: UploadOptions): Promise<string> {
  const headers = { [digestHeader]: options.sha256, 'content-type': 'application/octet-stream' }
  const { xml } = await ask(options, 'POST', '?uploads=', { action: 'CreateMultipartUpload', headers })
  return textAt(xml, 'UploadId') ?? ''
}

async function listParts(options: UploadOptions, uploadId: string): Promise<Map<number, Part>> {
  const parts = new Map<number, Part>()
  let marker: string | undefined
  do {
    const query = new URLSearchParams({ uploadId, ...(marker === undefined ? {} : { 'part-number-marker': marker }) })
    const { xml } = await ask(options, 'GET', `?${query.toString()}`, { action: 'ListParts' })
    for (const part of listAt(xml, [], 'Part')) {
      const tag = textAt(part, 'ETag') ?? ''
      parts.set(Number(textAt(part, 'PartNumber')), { tag, sizeBytes: Number(textAt(part, 'Size')) })
    }
    marker = textAt(xml, 'IsTruncated') === 'true' ? textAt(xml, 'NextPartNumberMarker') : undefined
  } while (marker !== undefined)
  return parts
}

async function sendParts(
  options: UploadOptions,
  uploadId: string,
  present: ReadonlyMap<number, Part>,
): Promise<string[]> {
  const { diskPath, sizeBytes } = options
  const partBytes = options.partBytes ?? Math.max(16, Math.ceil(sizeBytes / 9000 / mebibyte)) * mebibyte
  const count = Math.ceil(sizeBytes / partBytes)
  const tags: string[] = Array.from({ length: count }, () => '')
  const file = await open(diskPath)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      const body = await readPart(file, index * partBytes, Math.min(partBytes, sizeBytes - index * partBytes))
      tags[index] = await sendPart(options, { uploadId, number: index + 1, body, present: present.get(index + 1) })
    }
  }
  try {
    const results = await Promise.allSettled([work(), work()])
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return tags
  } finally {
    await file.close()
  }
}

async function sendPart(
  options: UploadOptions,
  part: { uploadId: string; number: number; body: Buffer; present: Part | undefined },
): Promise<string> {
  const { uploadId, number, body, present } = part
  const md5 = createHash('md5').update(body).digest('hex')
  if (present?.sizeBytes === body.length && present.tag === `"${md5}"`) return present.tag
  const query = new URLSearchParams({ partNumber: String(number), uploadId })
  const { headers } = await ask(options, 'PUT', `?${query.toString()}`, { action: `UploadPart ${number}`, body })
  return headers['etag'] ?? ''
}

async function completeUpload(options: UploadOptions, uploadId: string, tags: readonly string[]): Promise<void> {
  const parts = tags.map(
    (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeTag(tag)}</ETag></Part>`,
  )
  const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
  const headers = { 'content-type': 'application/xml' }
  await ask(options, 'POST', `?${new URLSearchParams({ uploadId }).toString()}`, {
    action: 'CompleteMultipartUpload',
    headers,
    body,
  })
}

function escapeTag(tag: string): string {
  return tag.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

async function readPart(file: FileHandle, position: number, sizeBytes: number): Promise<Buffer> {
  const body = Buffer.alloc(sizeBytes)
  for (let at = 0; at < sizeBytes;) {
    const { bytesRead } = await file.read(body, at, sizeBytes - at, position + at)
    if (bytesRead === 0) throw new Error(`${sizeBytes - at} bytes are missing at the end of the disk`)
    at += bytesRead
  }
  return body
}

async function ask(
  { object, exchange }: UploadOptions,
  method: string,
  query: string,
  rest: Omit<Parameters<AwsExchange>[0], 'method' | 'path'>,
) {
  return await exchange({ method, path: pathOf(object) + query, ...rest })
}

function pathOf({ bucket, key }: DiskObject): string {
  return `/${bucket}/${key}`
}
