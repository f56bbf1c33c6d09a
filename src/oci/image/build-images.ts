import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { KindContext } from '../../core/index.ts'
import { baseImagesOf } from '../build/base-images.ts'
import type { BuildResult, ImageBuilder } from '../build/image-builder.ts'
import { readContext } from '../build/read-context.ts'
import { requireEmulation } from '../build/require-emulation.ts'
import { pathInContext } from './image-inputs.ts'
import type { ImageKindOptions } from './image-kind.ts'
import type { DeclaredImage } from './image-schema.ts'
import { registriesFor } from './own-registry.ts'
import { writeContext } from './write-context.ts'

/** An image for one platform, and where it is. */
export interface BuiltImage extends BuildResult {
  /** OCI image layout. */
  layout: string
}

export interface ImagesToBuild {
  image: DeclaredImage
  builder: ImageBuilder
  /** Gets the context, and a layout for each platform. */
  folder: string
  labels: Readonly<Record<string, string>>
  /** Of the commit. */
  time: Date
}

/** Of what a build says. */
const logBytes = 2_000_000

/**
 * Builds an image for each of its platforms, one after the other, of one context. What this host cannot build for one of
 * them is refused before any is. Errors as of ImageBuilder.build, BUILD_PLATFORM_UNSUPPORTED.
 */
export async function buildImages(
  options: ImageKindOptions,
  { files, progress, signal }: KindContext,
  { image, builder, folder, labels, time }: ImagesToBuild,
): Promise<BuiltImage[]> {
  const contextFolder = join(folder, 'context')
  await mkdir(contextFolder)
  await writeContext(files, image, { folder: contextFolder, time, signal })
  const request = {
    contextFolder,
    dockerfile: pathInContext(image, image.dockerfile),
    target: image.target,
    buildArgs: { ...image.buildArgs, ...(await mirrorArgs(options, image.mirrors)) },
    labels,
    sourceDateEpoch: time,
    limits: { ...image.limits, logBytes },
    network: image.network,
    cacheFolder: options.cacheFolder,
    log: (line: string) => progress.log(`${image.name}: ${line}`),
    mask: options.mask,
    signal,
  }
  const platforms = image.platforms ?? [image.platform]
  const dockerfile = await readContext(request)
  if (!builder.hasEmulators) await requireEmulation(dockerfile, request.dockerfile, { ...request, platforms })
  const built: BuiltImage[] = []
  for (const [index, platform] of platforms.entries()) {
    const layout = join(folder, `layout-${index}`)
    await mkdir(layout)
    const what = image.platforms === undefined ? '' : ` for ${platform ?? ''}`
    progress.log(`${image.name}: building${what} with ${builder.name}`)
    const bases = baseImagesOf(dockerfile, { ...request, platform })
    const longestS = image.limits.timeoutMs / 1000
    const registries = await registriesFor(options, { image: image.name, bases, longestS })
    built.push({ ...(await builder.build({ ...request, platform, registries, outputFolder: layout })), layout })
  }
  return built
}

/** What images stand on, each with what that was; once where it is the same for several platforms. */
export function basesOf(images: readonly Pick<BuiltImage, 'baseImages'>[]): BuildResult['baseImages'] {
  const bases = images.flatMap(({ baseImages }) => baseImages)
  return [...new Map(bases.map((base) => [`${base.name} ${base.digest ?? ''}`, base])).values()]
}

/** What makes a client of each mirror, as the text of its source. MIRROR_UNKNOWN, and what it says of one with nothing in it yet. */
async function mirrorArgs(
  { mirrorSource }: Pick<ImageKindOptions, 'mirrorSource'>,
  mirrors: readonly string[] = [],
): Promise<Record<string, string>> {
  const sources = mirrors.map(async (name) => [mirrorArg(name), await mirrorSource(name)] as const)
  return Object.fromEntries(await Promise.all(sources))
}

/** `LARDER_MIRROR_EL9_EXTRA` for `el9-extra`. */
function mirrorArg(name: string): string {
  return `LARDER_MIRROR_${name.toUpperCase().replaceAll('-', '_')}`
}
