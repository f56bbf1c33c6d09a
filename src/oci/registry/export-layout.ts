import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LarderError } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { parseDigest, type OciDigest, type RepositoryName } from '../reference.ts'
import { blobUnknown } from './blobs.ts'
import { manifestUnknown } from './manifests.ts'
import type { Registry } from './registry.ts'

/**
 * Writes an image of a repository into an empty folder as an OCI image layout; of an index, the image for `platform`
 * (`linux/amd64`). Answers its manifest's digest. Source: OCI image-spec, image-layout.md. OCI_MANIFEST_UNKNOWN,
 * OCI_BLOB_UNKNOWN, OCI_IMAGE_UNREADABLE when it is not for that platform.
 */
export async function exportLayout(
  registry: Registry,
  { repository, digest, folder, platform }: ExportOptions,
): Promise<OciDigest> {
  const info = await registry.manifest(repository, { digest })
  if (info === undefined) throw manifestUnknown(repository, { digest })
  const bytes = await registry.manifestContent(repository, digest)
  const { blobs, manifests } = parseManifest(bytes, info.mediaType)
  if (manifests.length > 0) {
    const chosen = manifests.find((one) => platformOf(one) === platform)
    if (chosen === undefined) {
      throw new LarderError('OCI_IMAGE_UNREADABLE', {
        message: `${repository}@${digest} has no image for ${platform}.`,
        hint: 'Push one, or name another image.',
      })
    }
    return exportLayout(registry, { repository, digest: parseDigest(chosen.digest), folder, platform })
  }
  for (const { digest: text } of blobs) {
    const blob = await registry.blob(repository, parseDigest(text))
    if (blob === undefined) throw blobUnknown(repository, parseDigest(text))
    const path = await pathFor(folder, blob.digest)
    await pipeline(await blob.open(), createWriteStream(path))
  }
  await writeFile(await pathFor(folder, digest), bytes)
  const manifest: Descriptor = { mediaType: info.mediaType, digest, size: bytes.length }
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }))
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  return digest
}

interface ExportOptions {
  repository: RepositoryName
  digest: OciDigest
  folder: string
  platform: string
}

function platformOf({ platform }: Descriptor): string {
  return platform === undefined ? '' : `${platform.os}/${platform.architecture}`
}

async function pathFor(folder: string, digest: OciDigest): Promise<string> {
  const [algorithm = '', hex = ''] = digest.split(':')
  const path = join(folder, 'blobs', algorithm, hex)
  await mkdir(dirname(path), { recursive: true })
  return path
}
