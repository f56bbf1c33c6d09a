import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Descriptor } from '../descriptor.ts'
import { mediaTypes } from '../media-type.ts'
import type { OciDigest, RepositoryName } from '../reference.ts'
import { importBlob } from '../registry/import-layout.ts'
import type { Registry } from '../registry/registry.ts'

/** Type of the artifact that a disk image is in the registry. */
const diskArtifactType = 'application/vnd.larder.disk-image.v1'

export interface DiskFile {
  path: string
  format: 'qcow2' | 'raw'
  /** `counter-1.4.0.qcow2`: what a client names the file. */
  title: string
  /** Of the manifest: source, revision, version. */
  annotations: Readonly<Record<string, string>>
}

/**
 * Puts a disk image into a repository as an artifact of one layer, which is the file as it is. Source: OCI image-spec,
 * manifest.md, "Guidelines for Artifact Usage".
 */
export async function importDisk(registry: Registry, repository: RepositoryName, file: DiskFile): Promise<OciDigest> {
  const { path, format, title, annotations } = file
  const layer: Descriptor = {
    mediaType: `application/vnd.larder.disk-image.${format}`,
    digest: await digestOfFile(path),
    size: (await stat(path)).size,
    annotations: { 'org.opencontainers.image.title': title },
  }
  await importBlob(registry, { repository, path, descriptor: layer })
  const config = await putEmptyConfig(registry, repository)
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: diskArtifactType,
    config,
    layers: [layer],
    annotations,
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as OciDigest
  await registry.putManifest(repository, { digest }, { bytes })
  return digest
}

async function putEmptyConfig(registry: Registry, repository: RepositoryName): Promise<Descriptor> {
  const bytes = Buffer.from('{}')
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as OciDigest
  if ((await registry.blob(repository, digest)) === undefined) {
    const id = await registry.beginUpload(repository)
    await registry.finishUpload(repository, id, digest, { body: oneChunk(bytes) })
  }
  return { mediaType: mediaTypes.empty, digest, size: bytes.length }
}

export async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

async function digestOfFile(path: string): Promise<OciDigest> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return `sha256:${hash.digest('hex')}` as OciDigest
}
