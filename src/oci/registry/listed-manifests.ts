import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { mediaTypes } from '../media-type.ts'
import type { RepositoryName } from '../reference.ts'
import type { ManifestInfo, Registry } from './registry.ts'

/** Manifests that an index names, as for several platforms; none of a manifest that is no index. OCI_MANIFEST_UNKNOWN. */
export async function listedManifests(
  registry: Pick<Registry, 'manifestContent'>,
  repository: RepositoryName,
  { digest, mediaType }: Pick<ManifestInfo, 'digest' | 'mediaType'>,
): Promise<Descriptor[]> {
  if (mediaType !== mediaTypes.index && mediaType !== mediaTypes.dockerList) return []
  return parseManifest(await registry.manifestContent(repository, digest), mediaType).manifests
}
