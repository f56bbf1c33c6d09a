import { LarderError, type KindContext } from '../../core/index.ts'
import { parseManifest } from '../manifest.ts'
import { parseDigest, parseRepositoryName, type OciDigest, type RepositoryName } from '../reference.ts'
import { compareBases } from './base-changes.ts'
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
  const inputs = await readInputs(files, image, await baseDigestOf(options, image))
  const [version, previous] = await Promise.all([
    builds.latest(image.name, { version: image.version, state: 'published' }),
    builds.latest(image.name, { state: 'published' }),
  ])
  const published = await ifThere(options, version)
  const bases = await compareBases(options, (published ?? previous)?.detail.baseImages ?? [])
  const same = previous?.inputs === inputs.identity ? await ifSame(options, previous) : undefined
  return { image, inputs, published, previous, same, bases }
}

async function ifSame(options: ImageKindOptions, build: ImageBuild): Promise<ImageBuild | undefined> {
  const { changed, unknown } = await compareBases(options, build.detail.baseImages)
  const there = changed.length + unknown.length === 0 ? await ifThere(options, build) : undefined
  if (there?.digest === undefined) return undefined
  return (await isWhole(options, parseRepositoryName(build.image), there.digest)) ? there : undefined
}

/** Bytes of it may be lost: what is built again brings them back, what is taken over would not. */
async function isWhole(
  { registry }: Pick<ImageKindOptions, 'registry'>,
  repository: RepositoryName,
  digest: OciDigest,
): Promise<boolean> {
  const manifest = await registry.manifest(repository, { digest })
  if (manifest === undefined) return false
  const { blobs, manifests } = parseManifest(await registry.manifestContent(repository, digest), manifest.mediaType)
  for (const blob of blobs) if ((await registry.blob(repository, parseDigest(blob.digest))) === undefined) return false
  for (const one of manifests) if (!(await isWhole({ registry }, repository, parseDigest(one.digest)))) return false
  return true
}

/** A build whose tag still names it: somebody may have deleted it from the registry. */
async function ifThere({ registry }: ImageKindOptions, build: ImageBuild | undefined): Promise<ImageBuild | undefined> {
  if (build === undefined) return undefined
  const manifest = await registry.manifest(parseRepositoryName(build.image), { tag: build.version })
  return manifest?.digest === build.digest ? build : undefined
}

/** What its disk is to stand on, as the registry has it now. IMAGE_UNKNOWN. */
async function baseDigestOf({ registry }: ImageKindOptions, image: DeclaredImage): Promise<OciDigest | undefined> {
  const { base } = image.disk
  if (base === undefined || image.type !== 'AMI') return undefined
  const [name = '', tag = ''] = base.split(':')
  const manifest = await registry.manifest(parseRepositoryName(name), { tag })
  if (manifest !== undefined) return manifest.digest
  throw new LarderError('IMAGE_UNKNOWN', {
    message: `${base}, which the disk of ${image.name} is to stand on, is not in the registry.`,
    hint: 'Push it there, or have it built by a commit before this one.',
  })
}
