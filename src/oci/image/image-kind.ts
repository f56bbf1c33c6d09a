import { LarderError, type Clock, type Finding, type Kind, type Log } from '../../core/index.ts'
import type { BuildRegistry, ImageBuilder } from '../build/image-builder.ts'
import type { ImageKeys } from '../proof/keys/image-keys.ts'
import type { SbomOptions } from '../proof/sbom/sbom.ts'
import { parseDigest, parseRepositoryName } from '../reference.ts'
import type { Registry } from '../registry/registry.ts'
import type { ImageBuilds } from './image-builds.ts'
import type { ImageChange, ObservedImages, StagedImage } from './image-change.ts'
import { imageGrammar } from './image-grammar.ts'
import type { ImagesConfig } from './image-schema.ts'
import { observeImages } from './observe-images.ts'
import { planImage } from './plan-image.ts'
import { stageImage } from './stage-image.ts'

export interface ImageKindOptions {
  registry: Registry
  builds: ImageBuilds
  clock: Clock
  log: Log
  /** The one that is asked for, or the first that can be used here. BUILD_ENGINE_MISSING. */
  builder: (preferred: ImagesConfig['builder']) => Promise<ImageBuilder>
  /** Where builds are made; what is left of a process that was killed is removed at the next start. */
  workFolder: string
  /** Of builders; may be deleted at any time. */
  cacheFolder: string
  /** Text of the deb822 source, or of the .repo file, that makes a client of a mirror of ours. MIRROR_UNKNOWN. */
  mirrorSource: (name: string) => Promise<string>
  /** Takes secrets out of what builds say. */
  mask: (text: string) => string
  /** Ours, as builders reach it. */
  ownRegistry: () => BuildRegistry | undefined
  /** What a build pulls with of ours; undefined where everybody may pull. */
  buildLogin: BuildLogin
  /** First parts of the names of repositories that are read through from other registries. */
  cachedNames: readonly string[]
  /** Sign what is said about images. */
  keys: ImageKeys
  /** Reads what an RPM database has of a package; undefined for what is damaged. */
  parseRpmHeader: SbomOptions['parseRpmHeader']
  /** Makes an image in EC2 of a raw disk, or finds the one of that name. Default: EC2 is not configured. */
  toEc2?: ((disk: DiskForEc2) => Promise<{ imageId: string; region: string }>) | undefined
  /** Who builds, and of what: what is said about images. */
  who: () => BuilderIdentity
}

/** For the build of an image that may take so long, to pull from these repositories. */
export type BuildLogin = (build: {
  image: string
  repositories: readonly string[]
  longestS: number
}) => Promise<Required<Pick<BuildRegistry, 'username' | 'password'>> | undefined>

export interface DiskForEc2 {
  diskPath: string
  /** `counter-1.4.0` */
  name: string
  hasEfi: boolean
  signal: AbortSignal
  log: (message: string) => void
}

export interface BuilderIdentity {
  /** Address of the site repository. */
  source: string
  /** Of the registry, as clients name it: `registry.example.org:7443`. */
  registryHost: string
  /** A URI: the address of the controller. */
  builderId: string
  version: string
  /** `larder 0.1.0` */
  creator: string
}

export type ImageKind = Kind<ImagesConfig, ObservedImages, ImageChange, StagedImage>

/** The kind `images`: built from Dockerfiles of the site, kept in the registry under versions that do not change. */
export function createImageKind(options: ImageKindOptions): ImageKind {
  return {
    ...imageGrammar(),
    branchOf: ({ on }) => on.branch,
    observe: (context, desired) => observeImages(options, context, desired),
    plan: (desired, { images }) => images.flatMap((observed) => planImage(observed, desired)),
    stage: (context, change) => stageImage(options, context, change),
    switch: (_context, staged) => switchImage(options, staged),
    verify: (_context, staged) => verifyImage(options, staged),
  }
}

/** The tag and nothing else: what it names is there already. Done twice, it is done once. */
async function switchImage({ registry, builds }: ImageKindOptions, staged: StagedImage): Promise<void> {
  const repository = parseRepositoryName(staged.image)
  const digest = parseDigest(staged.digest)
  const info = await registry.manifest(repository, { digest })
  if (info === undefined) {
    throw new LarderError('OCI_MANIFEST_UNKNOWN', {
      message: `What was built for ${staged.image} ${staged.version} is not in the registry any more.`,
      hint: 'Run it again: larder run retry.',
    })
  }
  const bytes = await registry.manifestContent(repository, digest)
  const manifest = { bytes, contentType: info.mediaType, isFixed: !staged.isMutable }
  await registry.putManifest(repository, { tag: staged.version }, manifest)
  await builds.published(staged.build)
}

/** As a client that pulls it would see it. */
async function verifyImage({ registry }: ImageKindOptions, staged: StagedImage): Promise<Finding[]> {
  const info = await registry.manifest(parseRepositoryName(staged.image), { tag: staged.version })
  if (info?.digest === staged.digest) return []
  const found = info === undefined ? 'is not in the registry' : `is ${info.digest}`
  const subject = `image ${staged.image}`
  return [{ severity: 'error', subject, message: `${staged.version} ${found}, and should be ${staged.digest}` }]
}
