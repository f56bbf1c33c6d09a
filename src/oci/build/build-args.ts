import type { Dockerfile } from './dockerfile.ts'
import type { BuildRequest } from './image-builder.ts'

const epoch = 'SOURCE_DATE_EPOCH'

/**
 * Those that the site gives; and the time of the commit for a Dockerfile that asks for it, since it makes an
 * instruction that may use it another one with each commit. Source: reproducible-builds.org, SOURCE_DATE_EPOCH.
 */
export function allBuildArgs(
  { buildArgs, sourceDateEpoch }: Pick<BuildRequest, 'buildArgs' | 'sourceDateEpoch'>,
  { instructions }: Dockerfile,
): Readonly<Record<string, string>> {
  const isAsked = instructions.some(({ keyword, text }) => keyword === 'ARG' && /^SOURCE_DATE_EPOCH\b/.test(text))
  if (!isAsked || Object.hasOwn(buildArgs, epoch)) return buildArgs
  return { ...buildArgs, [epoch]: String(Math.floor(sourceDateEpoch.getTime() / 1000)) }
}
