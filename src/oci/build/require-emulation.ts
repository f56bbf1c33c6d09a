import { LarderError } from '../../core/index.ts'
import { platformName, type Platform } from '../platform.ts'
import type { Dockerfile, Instruction } from './dockerfile.ts'
import { runsPrograms } from './emulation.ts'
import type { BuildRequest } from './image-builder.ts'
import { resolveStages } from './stages.ts'

export interface EmulationAsked extends Pick<BuildRequest, 'buildArgs' | 'target'> {
  /** Undefined: this host's. */
  platforms: readonly (string | undefined)[]
  /** Whether programs for a processor run in containers of this host. Default: as its kernel tells. */
  runs?: (architecture: string) => Promise<boolean>
}

/** Refuses a Dockerfile whose RUN starts programs that this host cannot run. BUILD_PLATFORM_UNSUPPORTED. */
export async function requireEmulation(dockerfile: Dockerfile, path: string, asked: EmulationAsked): Promise<void> {
  const foreign = await findForeignRun(dockerfile, asked)
  if (foreign !== undefined) throw unsupported(path, foreign)
}

interface ForeignRun {
  instruction: Instruction
  platform: Platform
}

async function findForeignRun(dockerfile: Dockerfile, asked: EmulationAsked): Promise<ForeignRun | undefined> {
  const { platforms, runs = runsPrograms, ...facts } = asked
  for (const wanted of platforms) {
    for (const { platform, instructions } of resolveStages(dockerfile, { ...facts, platform: wanted })) {
      const instruction = instructions.find(({ keyword }) => keyword === 'RUN')
      if (instruction !== undefined && !(await runs(platform.architecture))) return { instruction, platform }
    }
  }
  return undefined
}

function unsupported(path: string, { instruction: { line, text }, platform }: ForeignRun): LarderError {
  const instruction = `RUN ${text}`.slice(0, 200)
  return new LarderError('BUILD_PLATFORM_UNSUPPORTED', {
    message: `${path}:${line}: ${instruction}: this host runs no programs for ${platformName(platform)}.`,
    hint: 'apt-get install qemu-user-static binfmt-support; or do what RUN does in a stage FROM --platform=$BUILDPLATFORM, and copy its result.',
    context: { dockerfile: path, line, instruction, platform: platformName(platform) },
  })
}
