import type { Change } from '../../core/index.ts'
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
  /** The same inputs, built for another version and still there: need not be built again. */
  same: ImageBuild | undefined
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
  /** Paths in its context that are not as they were when it was built last. */
  changedFiles: string[]
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
