import { digestOf } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { mediaTypes } from '../media-type.ts'
import { parseDigest } from '../reference.ts'

/** A manifest with its blobs, to be pushed blobs first. */
export interface ProofArtifact {
  manifest: Descriptor
  bytes: Buffer
  /** With the configuration; each once. */
  blobs: { descriptor: Descriptor; bytes: Buffer }[]
  /** Under which clients look for it that know no referrers. */
  tag: string | undefined
}

export interface ArtifactLayer {
  mediaType: string
  bytes: Buffer
  annotations?: Record<string, string>
}

export interface ArtifactOptions {
  /** Manifest of the image that it is about. */
  subject: Descriptor
  artifactType: string
  layers: readonly ArtifactLayer[]
  annotations?: Record<string, string>
  tag?: string
  /**
   * `empty`: as image-spec 1.1 has it. `image`: that of an image of these layers, which clients from before it expect.
   * Default `empty`.
   */
  config?: 'empty' | 'image'
}

/** Source: OCI image-spec, manifest.md, "Guidelines for Artifact Usage" and the property `subject`. */
export function makeArtifact(options: ArtifactOptions): ProofArtifact {
  const { subject, artifactType, annotations, tag } = options
  const layers = options.layers.map((layer) => blobOf(layer))
  const config = blobOf(options.config === 'image' ? imageConfig(options.layers) : emptyConfig)
  const { mediaType, digest, size } = subject
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    subject: { mediaType, digest, size },
    ...(annotations ? { annotations } : {}),
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const blobs = [...new Map([config, ...layers].map((blob) => [blob.descriptor.digest, blob])).values()]
  return {
    manifest: { ...descriptorOf(bytes, mediaTypes.manifest), artifactType, ...(annotations ? { annotations } : {}) },
    bytes,
    blobs,
    tag,
  }
}

/** Tags of this form stand for what is about another manifest: `sha256-<hex>.sig`. Source: cosign, SIGNATURE_SPEC.md. */
export function proofTag(digest: string, suffix: 'sig' | 'att'): string {
  return `${digest.replace(':', '-')}.${suffix}`
}

const emptyConfig: ArtifactLayer = { mediaType: mediaTypes.empty, bytes: Buffer.from('{}') }

function imageConfig(layers: readonly ArtifactLayer[]): ArtifactLayer {
  const diffIds = layers.map(({ bytes }) => digestOf(bytes))
  const config = { architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }
  return { mediaType: mediaTypes.config, bytes: Buffer.from(JSON.stringify(config)) }
}

function blobOf({ mediaType, bytes, annotations }: ArtifactLayer): { descriptor: Descriptor; bytes: Buffer } {
  return { descriptor: { ...descriptorOf(bytes, mediaType), ...(annotations ? { annotations } : {}) }, bytes }
}

function descriptorOf(bytes: Buffer, mediaType: string): Descriptor {
  return { mediaType, digest: parseDigest(digestOf(bytes)), size: bytes.length }
}
