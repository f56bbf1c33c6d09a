import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError, LarderError, retell, type KindContext, type Problem } from '../../core/index.ts'
import type { BuildResult } from '../build/image-builder.ts'
import { type OciDigest, parseDigest, parseRepositoryName } from '../reference.ts'
import { basesOf, buildImages } from './build-images.ts'
import type { ImageChange, StagedImage } from './image-change.ts'
import type { ImageKindOptions } from './image-kind.ts'
import { proveImages } from './prove-image.ts'
import { signVersion } from './sign-version.ts'
import { stageDisk, type Ec2Image } from './stage-disk.ts'
import { storeImages } from './store-images.ts'
import { pathInContext } from './image-inputs.ts'
import type { DeclaredImage } from './image-schema.ts'

/** Builds, and takes what was built into the registry without its tag: nobody is told of it yet. */
export async function stageImage(
  options: ImageKindOptions,
  context: KindContext,
  change: ImageChange,
): Promise<StagedImage> {
  const { image, inputs, same } = change.work
  const { builds } = options
  const commit = context.commit?.id
  const build = await builds.begin({
    image: image.name,
    version: image.version,
    type: image.type,
    inputs: inputs.identity,
    commit,
    runId: Number(context.runId),
    files: inputs.files,
  })
  const staged = { build, image: image.name, version: image.version, type: image.type, isMutable: image.isMutable }
  if (same?.digest !== undefined) {
    const [repository, digest] = [parseRepositoryName(image.name), parseDigest(same.digest)]
    await signVersion(options, { repository, digest, version: image.version, time: await timeOf(context) })
    await builds.built(build, { digest: same.digest, baseImages: same.detail.baseImages, ec2: same.detail.ec2 })
    return { ...staged, digest: same.digest }
  }
  try {
    const { digest, ...detail } = await buildInFolder(options, context, change)
    await builds.built(build, { digest, ...detail })
    return { ...staged, digest }
  } catch (error) {
    const told = inSite(asKnown(error), image)
    await builds.failed(build, told)
    throw told
  }
}

/** What a builder says of its Dockerfile, said of the file in the site: so that it is shown at its line. */
function inSite(error: LarderError, image: DeclaredImage): LarderError {
  const { line } = error.context
  if (typeof line !== 'number') return error
  const inContext = `${pathInContext(image, image.dockerfile)}:${line}: `
  const said = error.message.startsWith(inContext) ? error.message.slice(inContext.length) : error.message
  const message = said.replace(/\.$/, '')
  const problem: Problem = { severity: 'error', file: image.dockerfile, line, column: 1, message }
  const context = { dockerfile: image.dockerfile, problems: [problem] }
  return retell(error, `${image.dockerfile}:${line}: ${said}`, context)
}

function asKnown(error: unknown): LarderError {
  if (isLarderError(error)) return error
  return new LarderError('INTERNAL', { message: 'Larder failed over this build; its log says how.', cause: error })
}

type Built = Pick<BuildResult, 'baseImages'> & { digest: OciDigest; ec2: Ec2Image | undefined }

async function buildInFolder(options: ImageKindOptions, context: KindContext, change: ImageChange): Promise<Built> {
  await mkdir(options.workFolder, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(options.workFolder, 'build-'))
  try {
    return await build(options, context, { change, folder })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function build(
  options: ImageKindOptions,
  context: KindContext,
  { change, folder }: { change: ImageChange; folder: string },
): Promise<Built> {
  const { image } = change.work
  const time = await timeOf(context)
  const builder = await options.builder(change.work.builder)
  const startedAt = options.clock.now()
  const labels = labelsOf(options, context, image.version)
  const images = await buildImages(options, context, { image, builder, folder, labels, time })
  const stored = { repository: parseRepositoryName(image.name), image, images, folder, time, annotations: labels }
  const { digest, ec2 } =
    image.type === 'AMI'
      ? await stageDisk(options, context, stored)
      : { digest: await storeImages(options.registry, stored, context.signal), ec2: undefined }
  const state = await builder.probe()
  const engine = { name: builder.name, version: state.usable ? state.version : '' }
  await proveImages(options, context, { ...stored, digest, labels, engine, startedAt })
  return { digest, baseImages: basesOf(images), ec2 }
}

async function timeOf({ commit }: KindContext): Promise<Date> {
  return (await commit?.committedAt()) ?? new Date(0)
}

/** Source: OCI image-spec, annotations.md. Nothing that is different when the same commit is built again. */
function labelsOf(
  { who }: ImageKindOptions,
  { commit }: KindContext,
  version: string,
): Readonly<Record<string, string>> {
  return {
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.source': who().source,
    ...(commit === undefined ? {} : { 'org.opencontainers.image.revision': commit.id }),
  }
}
