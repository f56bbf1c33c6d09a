import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { z } from 'zod'
import { LarderError } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { mediaTypes } from '../media-type.ts'
import { dateLayer } from './date-layer.ts'
import { layerDate, writeBlob } from './finish-layout.ts'

const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

export interface ArchiveOptions {
  /** Gets the OCI image layout. */
  outputFolder: string
  /** Of this build alone: what is unpacked stays in it. */
  workFolder: string
  /** Digests of unpacked layers that a build has not made, and which stay as they are. */
  given: ReadonlySet<string>
}

/** Turns what `docker save` writes into an OCI image layout, its new layers dated alike. BUILD_ENGINE_FAILED. */
export async function unpackDockerArchive(
  archive: string,
  { outputFolder, workFolder, given }: ArchiveOptions,
): Promise<void> {
  const files = await spool(archive, workFolder)
  const fileAt = (path: string): string => {
    const file = files.get(path)
    if (file === undefined) throw malformed(`it has no ${path}`)
    return file
  }
  const [image] = listSchema.parse(JSON.parse(await readFile(fileAt('manifest.json'), 'utf8')))
  if (image === undefined) throw malformed('it has no image')
  await mkdir(join(outputFolder, 'blobs', 'sha256'), { recursive: true })
  const config = configSchema.parse(JSON.parse(await readFile(fileAt(image.Config), 'utf8')))
  const layers: Descriptor[] = []
  const diffIds: string[] = []
  for (const path of image.Layers) {
    const { layer, diffId } = await writeLayer(fileAt(path), outputFolder, given)
    layers.push(layer)
    diffIds.push(diffId)
  }
  const kept = configOf(config, diffIds)
  const configBlob = await writeBlob(outputFolder, kept, { mediaType: mediaTypes.config })
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: configBlob, layers }
  const described = await writeBlob(outputFolder, manifest, { mediaType: mediaTypes.manifest })
  await writeFile(join(outputFolder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(outputFolder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [described] }))
}

const listSchema = z.array(z.looseObject({ Config: z.string(), Layers: z.array(z.string()) }))
const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  author: z.string().optional(),
  config: z.looseObject({}).nullish(),
  history: z.array(z.looseObject({})).default([]),
})

const ofContainer: ReadonlySet<string> = new Set(['Image', 'Hostname', 'Domainname'])

/** Without what Docker says of the containers that it built in. Source: OCI image-spec, config.md. */
function configOf(found: z.output<typeof configSchema>, diffIds: readonly string[]): Record<string, unknown> {
  const { architecture, os, variant, author, config, history } = found
  const settings = Object.entries({ ...config }).filter(([key]) => !ofContainer.has(key))
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    ...(author === undefined ? {} : { author }),
    config: Object.fromEntries(settings.filter(([, value]) => value !== null && value !== false)),
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: history.map((step) => ({ ...step, created: layerDate.toISOString().replace('.000', '') })),
  }
}

/** Files of an archive by their paths in it, kept under names of our own. */
async function spool(archive: string, folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const entries = extract()
  const reading = pipeline(createReadStream(archive), entries)
  for await (const entry of entries) {
    const { name, type, linkname } = entry.header
    const path = posix.normalize(name)
    // Equal layers are there once.
    const target = type === 'symlink' ? files.get(posix.join(posix.dirname(path), linkname)) : undefined
    if (target !== undefined) files.set(path, target)
    if (type !== 'file') {
      entry.resume()
      continue
    }
    const file = join(folder, randomUUID())
    await pipeline(entry as unknown as Readable, createWriteStream(file))
    files.set(path, file)
  }
  await reading
  return files
}

async function writeLayer(
  file: string,
  outputFolder: string,
  given: ReadonlySet<string>,
): Promise<{ layer: Descriptor; diffId: string }> {
  const before = await digestOfFile(file)
  const isGiven = given.has(before)
  const packed = join(outputFolder, 'blobs', randomUUID())
  const raw = createHash('sha256')
  const gzipped = createHash('sha256')
  await pipeline([
    createReadStream(file),
    ...(isGiven ? [] : [dateLayer(layerDate)]),
    hashing(raw),
    createGzip({ level: 6 }),
    hashing(gzipped),
    createWriteStream(packed),
  ])
  const hex = gzipped.digest('hex')
  await rename(packed, join(outputFolder, 'blobs', 'sha256', hex))
  const { size } = await stat(join(outputFolder, 'blobs', 'sha256', hex))
  return { layer: { mediaType: layerType, digest: `sha256:${hex}`, size }, diffId: `sha256:${raw.digest('hex')}` }
}

async function digestOfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer)
  return `sha256:${hash.digest('hex')}`
}

function hashing(hash: ReturnType<typeof createHash>): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
}

function malformed(why: string): LarderError {
  return new LarderError('BUILD_ENGINE_FAILED', { message: `What docker wrote cannot be read: ${why}.` })
}
