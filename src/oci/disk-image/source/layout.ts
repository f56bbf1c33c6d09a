import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { LarderError } from '../../../core/index.ts'
import { descriptorSchema, type Descriptor } from '../../descriptor.ts'
import { isManifestType, mediaTypes } from '../../media-type.ts'

/** What an image says of the process that it is for. Source: OCI image-spec, config.md. */
export interface ImageConfig {
  architecture: string
  os: string
  entrypoint: string[]
  command: string[]
  environment: string[]
  workingFolder: string
  user: string
}

export interface LayoutImage {
  config: ImageConfig
  layers: Descriptor[]
}

/** Of a manifest or a configuration. */
const maxDocumentBytes = 4 * 1024 * 1024

/**
 * Reads which layers an image of an OCI image layout has. With several images in it, the one of the digest, else the
 * one for linux/amd64. Source: OCI image-spec, image-layout.md. DISK_IMAGE_SOURCE_INVALID.
 */
export async function readLayoutImage(folder: string, digest?: string): Promise<LayoutImage> {
  const index = check(indexSchema, await readDocument(join(folder, 'index.json'), folder), `${folder}/index.json`)
  const manifest = await findManifest(folder, index.manifests, digest)
  const { config, layers } = check(imageSchema, await readBlobDocument(folder, manifest), manifest.digest)
  const values = check(configSchema, await readBlobDocument(folder, config), config.digest)
  return { config: configOf(values), layers }
}

async function findManifest(folder: string, entries: Descriptor[], digest?: string): Promise<Descriptor> {
  const images = await listImages(folder, entries)
  const fitting = images.filter((image) => (digest === undefined ? fitsMachine(image) : image.within.has(digest)))
  const wanted = fitting.length > 1 ? fitting.filter(fitsMachine) : fitting
  const chosen = wanted[0] ?? (digest === undefined && images.length === 1 ? images[0] : undefined)
  if (chosen && wanted.length <= 1) return chosen.descriptor
  throw invalid(
    folder,
    digest === undefined || wanted.length > 1
      ? `it has ${wanted.length} images for linux/amd64 where one is to be`
      : `it has no image of the digest ${digest}`,
  )
}

interface ListedImage {
  descriptor: Descriptor
  /** Its own digest, and those of the indices that name it. */
  within: ReadonlySet<string>
}

/** Indices in indices, and so on. */
const maxDepth = 4

async function listImages(folder: string, entries: Descriptor[], within: string[] = []): Promise<ListedImage[]> {
  const images: ListedImage[] = []
  for (const descriptor of entries) {
    const names = [...within, descriptor.digest]
    const isIndex = descriptor.mediaType === mediaTypes.index || descriptor.mediaType === mediaTypes.dockerList
    if (isIndex && within.length < maxDepth) {
      const { manifests } = check(indexSchema, await readBlobDocument(folder, descriptor), descriptor.digest)
      images.push(...(await listImages(folder, manifests, names)))
    } else if (isManifestType(descriptor.mediaType)) images.push({ descriptor, within: new Set(names) })
  }
  return images
}

function fitsMachine({ descriptor: { platform } }: ListedImage): boolean {
  return platform === undefined || (platform.os === 'linux' && platform.architecture === 'amd64')
}

/** The bytes of a blob, whose size and digest are right when the end is reached. DISK_IMAGE_SOURCE_INVALID. */
export async function* readBlob(folder: string, descriptor: Descriptor): AsyncGenerator<Buffer> {
  const [algorithm, hex] = descriptor.digest.split(':') as [string, string]
  const path = join(folder, 'blobs', algorithm, hex)
  const found = await stat(path).catch(ignoreMissing)
  if (found?.size !== descriptor.size)
    throw invalid(
      folder,
      found
        ? `${descriptor.digest} has ${found.size} bytes, not ${descriptor.size}`
        : `${descriptor.digest} is missing`,
    )
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== hex) throw invalid(folder, `the bytes of ${descriptor.digest} are not those of its digest`)
}

async function readBlobDocument(folder: string, descriptor: Descriptor): Promise<unknown> {
  if (descriptor.size > maxDocumentBytes)
    throw invalid(folder, `${descriptor.digest} is larger than a manifest or a configuration may be`)
  const parts: Buffer[] = []
  for await (const part of readBlob(folder, descriptor)) parts.push(part)
  return parseJson(Buffer.concat(parts), descriptor.digest)
}

async function readDocument(path: string, folder: string): Promise<unknown> {
  const bytes = await readFile(path).catch(ignoreMissing)
  if (!bytes) throw invalid(folder, 'it has no index.json, and so is no OCI image layout')
  return parseJson(bytes, path)
}

function parseJson(bytes: Buffer, label: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw invalid(label, `it is no JSON: ${error.message}`)
  }
}

function ignoreMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
}

const indexSchema = z.looseObject({ manifests: z.array(descriptorSchema) })
const imageSchema = z.looseObject({ config: descriptorSchema, layers: z.array(descriptorSchema) })
const strings = z.array(z.string()).nullish()
const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  config: z
    .looseObject({
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      WorkingDir: z.string().nullish(),
      User: z.string().nullish(),
    })
    .nullish(),
})

function configOf({ architecture, os, config }: z.infer<typeof configSchema>): ImageConfig {
  return {
    architecture,
    os,
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    environment: config?.Env ?? [],
    workingFolder: config?.WorkingDir || '/',
    user: config?.User ?? '',
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, label: string): z.infer<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(label, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function invalid(what: string, why: string): LarderError {
  return new LarderError('DISK_IMAGE_SOURCE_INVALID', {
    message: `${what} cannot be made into a disk image: ${why}.`,
    hint: 'Build the image again.',
  })
}
