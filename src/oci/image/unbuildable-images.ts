import { isLarderError, type LarderError, type SiteFiles } from '../../core/index.ts'
import { parseDockerfile } from '../build/dockerfile.ts'
import { requireEmulation, type EmulationAsked } from '../build/require-emulation.ts'
import { readImageList } from './image-list.ts'
import type { DeclaredImage } from './image-schema.ts'

export interface UnbuildableImage {
  name: string
  why: LarderError
}

/**
 * Images of a list that no build on this host can make, since they start programs of processors that it does not run:
 * BUILD_PLATFORM_UNSUPPORTED for each. What else may be wrong with a list is not looked for.
 */
export async function unbuildableImages(
  files: SiteFiles,
  list: string,
  runs?: EmulationAsked['runs'],
): Promise<UnbuildableImage[]> {
  const { images } = await readImageList(files, list)
  const found = await Promise.all(
    images.map(async (image) => ({ name: image.name, why: await reasonOf(files, image, runs) })),
  )
  return found.flatMap(({ name, why }) => (why === undefined ? [] : [{ name, why }]))
}

async function reasonOf(
  files: SiteFiles,
  { dockerfile: path, platform, platforms, target, buildArgs }: DeclaredImage,
  runs: EmulationAsked['runs'],
): Promise<LarderError | undefined> {
  const bytes = await files.read(path)
  if (bytes === undefined) return undefined
  try {
    const asked = { platforms: platforms ?? [platform], target, buildArgs, ...(runs === undefined ? {} : { runs }) }
    await requireEmulation(parseDockerfile(bytes.toString(), path), path, asked)
    return undefined
  } catch (error) {
    if (isLarderError(error, 'BUILD_PLATFORM_UNSUPPORTED')) return error
    if (isLarderError(error, 'DOCKERFILE_INVALID')) return undefined
    throw error
  }
}
