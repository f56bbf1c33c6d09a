import type { Change } from '../../core/index.ts'
import type { BaseChanges } from './base-changes.ts'
import type { ImageBuild } from './image-builds.ts'
import type { ImageInputs } from './image-inputs.ts'
import type { DeclaredImage, ImagesConfig } from './image-schema.ts'

/** An image as it is declared, with what is known of it. */
export interface ObservedImage {
  image: DeclaredImage
  inputs: ImageInputs
  /** What the version names now, if Larder made it and it is there. */
  published: ImageBuild | undefined
  /** The newest that was published of any version. */
  previous: ImageBuild | undefined
  /** The same inputs and bases, built for another version and still there: need not be built again. */
  same: ImageBuild | undefined
  /** Since what the version names now, or else the newest, was built. */
  bases: BaseChanges
}

export interface ObservedImages {
  images: ObservedImage[]
}

/** Why an image is built. */
export interface ImageChangeDetail {
  image: string
  version: string
  type: 'Docker' | 'AMI'
  inputs: string
  /** What it is built for, where that is more than one platform. */
  platforms: readonly string[] | undefined
  /** Paths in its context that are not as they were when it was built last. */
  changedFiles: string[]
  /** Base images that are, or may be, others than they were then. */
  changedBases: string[]
  /** Version that was published before. */
  previousVersion: string | undefined
  /** The image is taken over from this version: its sources are the same. */
  sameAs: string | undefined
}

export interface ImageChange extends Change {
  detail: ImageChangeDetail
  work: ObservedImage & Pick<ImagesConfig, 'builder'>
}

/** What a switch needs, as JSON. */
export interface StagedImage {
  build: number
  image: string
  version: string
  type: 'Docker' | 'AMI'
  digest: string
  isMutable: boolean
}
