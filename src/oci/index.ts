export { badgeAnswer } from './badge/badge-answer.ts'
export type { BadgeState } from './badge/badge.ts'
export { chooseBuilder, imageBuilders } from './build/choose-builder.ts'
export type { BuildRegistry } from './build/image-builder.ts'
export { createRegistryCache, type CachedRegistry, type RegistryCache } from './cache/registry-cache.ts'
export type { OriginSend } from './cache/origin.ts'
export { createImageBuilds, type ImageBuild, type ImageBuilds } from './image/image-builds.ts'
export { importToEc2, makeDiskImage, type AwsCredentials, type AwsSend, type RootSource } from './disk-image/index.ts'
export { readImageList } from './image/image-list.ts'
export { imageGrammar } from './image/image-grammar.ts'
export { unbuildableImages } from './image/unbuildable-images.ts'
export { verifyImageContent } from './image/verify-image.ts'
export { forgetOldVersions } from './image/forget-versions.ts'
export { createImageKind, type BuilderIdentity, type DiskForEc2 } from './image/image-kind.ts'
export { listedManifests } from './registry/listed-manifests.ts'
export { platformName } from './platform.ts'
export { withWatermark } from './registry/watermark.ts'
export type { AbsentBlobs } from './registry/absent-blobs.ts'
export type { RegistryUsage } from './registry/usage.ts'
export { maxManifestBytes } from './manifest.ts'
export { mediaTypes } from './media-type.ts'
export { createImageKeys, type ImageKeys } from './proof/keys/image-keys.ts'
export {
  isRepositoryName,
  parseDigest,
  parseReference,
  parseRepositoryName,
  parseTag,
  type OciDigest,
  type Reference,
  type RepositoryName,
} from './reference.ts'
export {
  createRegistry,
  type OpenBlob,
  type Registry,
  type RegistryOptions,
  type UploadPart,
} from './registry/registry.ts'
