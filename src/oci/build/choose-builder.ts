import { LarderError } from '../../core/index.ts'
import { createBuildahBuilder } from './buildah.ts'
import { createBuildkitBuilder } from './buildkit.ts'
import { createDockerBuilder } from './docker.ts'
import type { ImageBuilder } from './image-builder.ts'

/** All that Larder knows, the preferred one first. */
export function imageBuilders(): ImageBuilder[] {
  return [createBuildkitBuilder(), createBuildahBuilder(), createDockerBuilder()]
}

/** The one that is asked for, or the first that can be used on this host now. BUILD_ENGINE_MISSING says why not. */
export async function chooseBuilder(
  builders: readonly ImageBuilder[],
  preferred: ImageBuilder['name'] | undefined,
): Promise<ImageBuilder> {
  const reasons: string[] = []
  let remedy: string | undefined
  for (const builder of builders) {
    if (preferred !== undefined && builder.name !== preferred) continue
    const state = await builder.probe()
    if (state.usable) return builder
    reasons.push(`${builder.name}: ${state.reason}`)
    // What is there already is nearer than what is to be installed.
    if (state.isInstalled || preferred !== undefined) remedy ??= state.hint
  }
  throw new LarderError('BUILD_ENGINE_MISSING', {
    message: `No image can be built here. ${reasons.join(' ')}`,
    hint: remedy ?? 'apt-get install buildah, and run Larder as root.',
  })
}
