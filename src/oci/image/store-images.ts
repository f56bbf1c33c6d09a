import { digestOf } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { mediaTypes } from '../media-type.ts'
import { parseDigest, type OciDigest, type RepositoryName } from '../reference.ts'
import { importLayout } from '../registry/import-layout.ts'
import type { Registry } from '../registry/registry.ts'
import type { BuiltImage } from './build-images.ts'

export interface ImagesToStore {
  repository: RepositoryName
  /** One for each platform. */
  images: readonly BuiltImage[]
  /** Of an index. */
  annotations: Readonly<Record<string, string>>
}

/**
 * Takes what was built into a repository, without a tag, and answers what a tag is to name: the image, or an index of
 * those for several platforms. The same images make the same index. Source: OCI image-spec, image-index.md.
 */
export async function storeImages(
  registry: Registry,
  { repository, images, annotations }: ImagesToStore,
  signal: AbortSignal,
): Promise<OciDigest> {
  for (const { layout: folder, manifest } of images)
    await importLayout(registry, { repository, folder, manifest, signal })
  const [only] = images
  if (only !== undefined && images.length === 1) return parseDigest(only.manifest.digest)
  const manifests = images.map(({ manifest, platform }): Descriptor => ({ ...manifest, platform: { ...platform } }))
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests, annotations }
  const bytes = Buffer.from(JSON.stringify(index))
  const reference = { digest: parseDigest(digestOf(bytes)) }
  const { digest } = await registry.putManifest(repository, reference, { bytes, contentType: mediaTypes.index })
  return digest
}
