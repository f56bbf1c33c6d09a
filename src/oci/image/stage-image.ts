import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError, LarderError, type KindContext, type Problem } from '../../core/index.ts'
import type { BuildResult } from '../build/image-builder.ts'
import { makeDiskImage } from '../disk-image/make-disk-image.ts'
import { type OciDigest, parseRepositoryName } from '../reference.ts'
import { importLayout } from '../registry/import-layout.ts'
import { importDisk } from './disk-artifact.ts'
import type { ImageChange, StagedImage } from './image-change.ts'
import type { ImageKindOptions } from './image-kind.ts'
import { proveImage } from './prove-image.ts'
import { pathInContext } from './image-inputs.ts'
import type { DeclaredImage } from './image-schema.ts'
import { writeContext } from './write-context.ts'

/** Of what a build says. */
const logBytes = 2_000_000

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
    await builds.built(build, { digest: same.digest, baseImages: same.detail.baseImages })
    return { ...staged, digest: same.digest }
  }
  try {
    const { digest, baseImages } = await buildInFolder(options, context, change)
    await builds.built(build, { digest, baseImages })
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
  return new LarderError(error.code, {
    message: `${image.dockerfile}:${line}: ${said}`,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    context: { ...error.context, dockerfile: image.dockerfile, problems: [problem] },
    cause: error,
  })
}

function asKnown(error: unknown): LarderError {
  if (isLarderError(error)) return error
  return new LarderError('INTERNAL', { message: 'Larder failed over this build; its log says how.', cause: error })
}

type Built = Pick<BuildResult, 'baseImages'> & { digest: OciDigest }

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
  const { progress, signal } = context
  const time = (await context.commit?.committedAt()) ?? new Date(0)
  const contextFolder = join(folder, 'context')
  const layout = join(folder, 'layout')
  await mkdir(contextFolder)
  await mkdir(layout)
  await writeContext(context.files, image, { folder: contextFolder, time, signal })
  const builder = await options.builder(change.work.builder)
  const own = options.ownRegistry()
  const startedAt = options.clock.now()
  progress.log(`${image.name}: building with ${builder.name}`)
  const labels = labelsOf(options, context, image.version)
  const { manifest, baseImages } = await builder.build({
    contextFolder,
    dockerfile: pathInContext(image, image.dockerfile),
    target: image.target,
    buildArgs: image.buildArgs,
    platform: image.platform,
    labels,
    sourceDateEpoch: time,
    limits: { ...image.limits, logBytes },
    network: image.network,
    cacheFolder: options.cacheFolder,
    outputFolder: layout,
    registries: own === undefined ? [] : [own],
    log: (line) => progress.log(`${image.name}: ${line}`),
    mask: options.mask,
    signal,
  })
  const repository = parseRepositoryName(image.name)
  const common = { repository, layout, manifest, signal }
  const digest =
    image.type === 'AMI'
      ? await makeDisk(options, context, { ...common, change, folder, time })
      : await importLayout(options.registry, { repository, folder: layout, manifest, signal })
  const state = await builder.probe()
  const engine = { name: builder.name, version: state.usable ? state.version : '' }
  await proveImage(options, context, {
    repository,
    digest,
    layout,
    manifest,
    image,
    labels,
    engine,
    baseImages,
    startedAt,
    time,
  })
  return { digest, baseImages }
}

interface DiskParts {
  repository: ReturnType<typeof parseRepositoryName>
  layout: string
  manifest: BuildResult['manifest']
  change: ImageChange
  folder: string
  time: Date
}

async function makeDisk(options: ImageKindOptions, context: KindContext, parts: DiskParts): Promise<OciDigest> {
  const { layout, manifest, change, folder, time, repository } = parts
  const { name, version, disk } = change.work.image
  const path = join(folder, `disk.${disk.format}`)
  context.progress.log(`${name}: making a disk of it`)
  await makeDiskImage({
    source: { layout, digest: manifest.digest },
    outputFile: path,
    format: disk.format,
    ...(disk.sizeBytes === undefined ? {} : { sizeBytes: disk.sizeBytes }),
    createdAt: time,
    signal: context.signal,
    log: options.log,
  })
  const title = `${name.replaceAll('/', '-')}-${version}.${disk.format}`
  const annotations = labelsOf(options, context, version)
  return importDisk(options.registry, repository, { path, format: disk.format, title, annotations })
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
