import type { KindContext } from '../../core/index.ts'
import { parseRepositoryName } from '../reference.ts'
import type { ImageBuild } from './image-builds.ts'
import type { ObservedImage, ObservedImages } from './image-change.ts'
import { readImageList } from './image-list.ts'
import { readInputs } from './image-inputs.ts'
import type { ImageKindOptions } from './image-kind.ts'
import type { DeclaredImage, ImagesConfig } from './image-schema.ts'

/** What is declared, and what the registry has of it. */
export async function observeImages(
  options: ImageKindOptions,
  { files }: KindContext,
  { list }: ImagesConfig,
): Promise<ObservedImages> {
  const { images } = await readImageList(files, list)
  return { images: await Promise.all(images.map((image) => observeImage(options, files, image))) }
}

async function observeImage(
  options: ImageKindOptions,
  files: KindContext['files'],
  image: DeclaredImage,
): Promise<ObservedImage> {
  const { builds } = options
  const inputs = await readInputs(files, image)
  const [version, previous] = await Promise.all([
    builds.latest(image.name, { version: image.version, state: 'published' }),
    builds.latest(image.name, { state: 'published' }),
  ])
  const published = await ifThere(options, version)
  const same = previous?.inputs === inputs.identity ? await ifThere(options, previous) : undefined
  return { image, inputs, published, previous, same }
}

/** A build whose tag still names it: somebody may have deleted it from the registry. */
async function ifThere({ registry }: ImageKindOptions, build: ImageBuild | undefined): Promise<ImageBuild | undefined> {
  if (build === undefined) return undefined
  const manifest = await registry.manifest(parseRepositoryName(build.image), { tag: build.version })
  return manifest?.digest === build.digest ? build : undefined
}
