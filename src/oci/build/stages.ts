import { hostPlatform, parsePlatform, platformName, type Platform } from '../platform.ts'
import { type ArgFacts, expandArgs, globalArgs } from './dockerfile-args.ts'
import type { Dockerfile, Instruction } from './dockerfile.ts'

/** A stage of a Dockerfile as it is built for one platform. */
export interface ResolvedStage {
  /** Image that it stands on in the end, through other stages: `scratch`, or one that comes from elsewhere. */
  root: string
  /** The FROM that names the root. */
  line: number
  /** What it is built for. */
  platform: Platform
  instructions: readonly Instruction[]
}

/**
 * Stages up to the one that is asked for, which is the last; all of them, when there is none of that name.
 * Source: Dockerfile reference, FROM and its `--platform`.
 */
export function resolveStages(
  dockerfile: Dockerfile,
  { target, ...facts }: ArgFacts & { target?: string | undefined },
): ResolvedStage[] {
  const values = globalArgs(dockerfile, facts)
  const wanted = facts.platform === undefined ? hostPlatform() : parsePlatform(facts.platform)
  const stages: ResolvedStage[] = []
  const byName = new Map<string, ResolvedStage>()
  for (const [index, { base, name, platform, line }] of dockerfile.stages.entries()) {
    const image = expandArgs(base, values)
    const earlier = byName.get(image.toLowerCase())
    const said = expandArgs(platform ?? '', values)
    const stage: ResolvedStage = {
      root: earlier?.root ?? image,
      line: earlier?.line ?? line,
      platform: earlier?.platform ?? (said === '' ? wanted : parsePlatform(said)),
      instructions: dockerfile.instructions.filter((one) => one.stage === index),
    }
    stages.push(stage)
    if (name !== undefined) byName.set(name, stage)
    if (target !== undefined && (name === target.toLowerCase() || String(index) === target)) break
  }
  return stages
}

/** An image that a stage stands on, and what it is to be for. */
export interface StageBase {
  image: string
  /** `linux/arm64` */
  platform: string
  line: number
}

/** Images that FROM fetches from elsewhere, each once for each platform. */
export function stageBases(stages: readonly ResolvedStage[]): StageBase[] {
  const bases = new Map<string, StageBase>()
  for (const { root: image, line, platform } of stages) {
    const base = { image, platform: platformName(platform), line }
    if (image !== '' && image !== 'scratch') bases.set(`${image} ${base.platform}`, base)
  }
  return [...bases.values()]
}
