import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { LarderError } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { algorithmOf, isOciDigest } from '../reference.ts'

/** Wherever the parts of an image are: a registry, or a folder. What it yields is checked by whoever reads. */
export interface ImageSource {
  open(descriptor: Descriptor): Promise<AsyncIterable<Uint8Array>> | AsyncIterable<Uint8Array>
}

/** An OCI image layout. Source: OCI image-spec, image-layout.md. */
export function layoutSource(folder: string): ImageSource {
  return { open: ({ digest }) => readLayoutBlob(folder, digest) }
}

async function* readLayoutBlob(folder: string, digest: string): AsyncGenerator<Buffer> {
  if (!isOciDigest(digest)) throw unreadable(digest, 'this is no digest')
  const path = join(folder, 'blobs', ...digest.split(':'))
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024 }) as Readable & AsyncIterable<Buffer>
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    throw unreadable(digest, 'it is not in the folder')
  }
}

/** The bytes of a part, whose size and digest are right when the end is reached. OCI_IMAGE_UNREADABLE. */
export async function* streamContent(source: ImageSource, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
  const { digest, size } = descriptor
  const hash = createHash(algorithmOf(digest))
  let sizeBytes = 0
  for await (const chunk of await source.open(descriptor)) {
    sizeBytes += chunk.length
    if (sizeBytes > size) throw unreadable(digest, `it has more than the ${size} bytes that it should have`)
    hash.update(chunk)
    yield chunk
  }
  if (sizeBytes < size) throw unreadable(digest, `it has ${sizeBytes} bytes instead of ${size}`)
  if (hash.digest('hex') !== digest.slice(digest.indexOf(':') + 1))
    throw unreadable(digest, 'its bytes are not those of its digest')
}

/** All of a part that is small. OCI_IMAGE_UNREADABLE. */
export async function readContent(source: ImageSource, descriptor: Descriptor, maxBytes: number): Promise<Buffer> {
  if (descriptor.size > maxBytes)
    throw unreadable(descriptor.digest, `its ${descriptor.size} bytes are more than the ${maxBytes} that are allowed`)
  const parts: Uint8Array[] = []
  for await (const part of streamContent(source, descriptor)) parts.push(part)
  return Buffer.concat(parts)
}

export function unreadable(what: string, why: string, cause?: unknown): LarderError {
  return new LarderError('OCI_IMAGE_UNREADABLE', {
    message: `${what.slice(0, 200)} cannot be read: ${why}.`,
    hint: 'Build the image again, or push it again from where it is whole.',
    cause,
  })
}
