/** Types of manifests and lists of them. Source: OCI image-spec, media-types.md; Docker's are those it was made from. */
export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  artifact: 'application/vnd.oci.artifact.manifest.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
} as const

/** Whether a descriptor of this type names a manifest, and not a blob. */
export function isManifestType(mediaType: string): boolean {
  return manifestTypes.has(mediaType)
}

const manifestTypes: ReadonlySet<string> = new Set([
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.artifact,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
])
