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
export type { Descriptor } from './descriptor.ts'
export type { ProofArtifact } from './proof/artifact.ts'
export { attestImage, type AttestOptions, type Predicate } from './proof/attestation.ts'
export { layoutSource, type ImageSource } from './proof/content.ts'
export { createImageKeys, type ImageKey, type ImageKeys } from './proof/keys/image-keys.ts'
export { provenanceOf, provenanceType, type ProvenanceFacts } from './proof/provenance.ts'
export { signImage, type SignOptions } from './proof/signature.ts'
export { verifySignatures, verifyStatements, type VerifyOptions } from './proof/verify.ts'
