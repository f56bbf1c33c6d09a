import type { Finding } from '../core/index.ts'
import type { RunSummary } from './controller.ts'
import type { BadgeState } from '../oci/index.ts'

/** What may be asked about images. Dates are ISO 8601 strings in UTC. */
export interface ImageController {
  /** Those that the site declares, and those that were built before; by name. */
  images(): Promise<ImageSummary[]>
  /** IMAGE_UNKNOWN. */
  image(name: string): Promise<ImageDetail>
  /** Plans and applies the branch of images again. Answers at once. NOT_FOUND when no image is declared. */
  buildImages(): Promise<RunSummary>
  /** Every byte of a version read and hashed, and its signature looked at. IMAGE_UNKNOWN, OCI_MANIFEST_UNKNOWN. */
  verifyImage(name: string, version: string): Promise<Finding[]>
  /** The tag goes; what nothing else names goes with it some time later. IMAGE_UNKNOWN, OCI_MANIFEST_UNKNOWN. */
  removeImage(name: string, version: string): Promise<{ removed: string }>
  /** Never fails for an image that there is not. */
  badge(name: string): Promise<BadgeState>
  /** Makes a new key; for 30 days both sign. What was signed before stays good. Newest first. */
  rotateImageKey(): Promise<{ fingerprint: string; retiresAt: string | undefined }[]>
  /** Public half of what signs images, PEM; several while one is exchanged. */
  imageKey(): Promise<string>
}

export interface ImageSummary {
  name: string
  type: 'Docker' | 'AMI'
  /** As clients pull it: `registry.example.org:7443/counter:1.4.0`. Undefined when it was never built. */
  reference: string | undefined
  /** Of the newest that is published. */
  version: string | undefined
  digest: string | undefined
  /** Of the newest build, whatever became of it. */
  state: 'building' | 'built' | 'published' | 'failed'
  builtAt: string | undefined
  error: { code: string; message: string; hint?: string } | undefined
}

export interface ImageDetail extends ImageSummary {
  /** Tags in the registry, newest versions of ours first. */
  versions: {
    version: string
    digest: string
    sizeBytes: number
    /** Of an index: what its images are for. Empty for an image alone. */
    platforms: string[]
    commit: string | undefined
    builtAt: string | undefined
  }[]
  /** Newest first. */
  builds: {
    version: string
    state: ImageSummary['state']
    run: number
    commit: string | undefined
    startedAt: string
    finishedAt: string | undefined
    /** The image that its disk became in EC2. */
    ec2: { imageId: string; region: string } | undefined
    error: ImageSummary['error']
  }[]
  /** What is kept about the newest version: signature, provenance, bill of materials. */
  proofs: { artifactType: string; digest: string; sizeBytes: number }[]
}
