export { maxManifestBytes } from './manifest.ts'
export { mediaTypes } from './media-type.ts'
export {
  isRepositoryName,
  parseDigest,
  parseReference,
  parseRepositoryName,
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
export { badgeAnswer, type BadgeAnswer, type BadgeRequest } from './badge/badge-answer.ts'
export type { BadgeState } from './badge/badge.ts'
