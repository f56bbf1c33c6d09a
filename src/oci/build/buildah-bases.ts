import { hostPlatform, parsePlatform, platformName } from '../platform.ts'
import type { RunCommand } from './engine-session.ts'
import { type FinishedLayout, otherPlatform } from './finish-layout.ts'
import type { BuildRequest, BuildResult } from './image-builder.ts'
import { type ResolvedStage, stageBases } from './stages.ts'

interface BasesToFetch {
  /** All images that the Dockerfile names. */
  bases: readonly string[]
  stages: readonly ResolvedStage[]
  /** Of `buildah pull`. */
  pulling: readonly string[]
  run: RunCommand
}

/**
 * Has what a build stands on fetched before it begins, each image for the platform of its stage. buildah itself takes an
 * image of another platform where there is no other, and calls what it makes of it by the name of the one that was asked for.
 * Answers options of `buildah build` that let it find, where it may fetch nothing, images that are not for the platform
 * that it builds for: it does so by their ids only. BUILD_BASE_PLATFORM.
 */
export async function fetchBases(
  { dockerfile, platform: asked }: Pick<BuildRequest, 'dockerfile' | 'platform'>,
  { bases, stages, pulling, run }: BasesToFetch,
): Promise<string[]> {
  const host = platformName(hostPlatform())
  const pull = (image: string, platform: string): Promise<void> => {
    const flags = platform === host ? [] : [`--platform=${platform}`]
    return run(['pull', '--quiet', ...pulling, ...flags, '--', image])
  }
  const staged = stageBases(stages)
  const isStaged = (image: string): boolean => staged.some((base) => base.image === image)
  for (const image of bases) if (!isStaged(image)) await pull(image, asked ?? host)
  const ids: string[] = []
  for (const base of staged) {
    await pull(base.image, base.platform)
    if (asked === undefined) continue
    const { id, platform } = await inspectImage(base.image, run)
    const { os, architecture } = parsePlatform(base.platform)
    if (platform !== `${os}/${architecture}`) throw otherPlatform(dockerfile, base, platform)
    if (base.platform !== platformName(parsePlatform(asked)))
      ids.push(`--build-context=${base.image}=docker-image://${id}`)
  }
  return ids
}

/** `platform`: as in `linux/arm64`, without a variant. */
async function inspectImage(image: string, run: RunCommand): Promise<{ id: string; platform: string }> {
  const found = { id: '', platform: '' }
  const onLine = (line: string): void => {
    const [, id, platform] = /^([0-9a-f]{64}) (\w+\/\w+)$/.exec(line) ?? []
    if (id !== undefined && platform !== undefined) Object.assign(found, { id, platform })
  }
  const form = '{{.FromImageID}} {{.OCIv1.OS}}/{{.OCIv1.Architecture}}'
  await run(['inspect', '--type=image', `--format=${form}`, '--', image], { onLine })
  return found
}

/** Bases of other stages than the last one are looked up in the store. */
export async function describeBases(
  bases: readonly string[],
  { base: known }: FinishedLayout,
  run: RunCommand,
): Promise<BuildResult['baseImages']> {
  const digests = new Map(known === undefined ? [] : [[known.name, known.digest]])
  const digestOf = (image: string): string | undefined =>
    /@(sha(?:256|512):[0-9a-f]+)$/.exec(image)?.[1] ?? digests.get(withTag(image))
  if (bases.some((image) => digestOf(image) === undefined)) {
    const onLine = (line: string): void => {
      // buildah makes columns of it.
      const [, image, digest] = /^(\S+)\s+(sha256:[0-9a-f]{64})\s*$/.exec(line) ?? []
      if (image !== undefined && digest !== undefined) digests.set(image, digest)
    }
    await run(['images', '--format', '{{.Name}}:{{.Tag}} {{.Digest}}'], { onLine })
  }
  return bases.map((image) => ({ name: image, digest: digestOf(image) }))
}

function withTag(image: string): string {
  return /:[^/]+$/.test(image) ? image : `${image}:latest`
}
