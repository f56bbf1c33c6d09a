import type { BuildRegistry } from '../build/image-builder.ts'
import { isRepositoryName, type RepositoryName } from '../reference.ts'
import type { ImageKindOptions } from './image-kind.ts'

interface OwnName {
  repository: RepositoryName
  tag: string
}

type OwnOptions = Pick<ImageKindOptions, 'ownRegistry' | 'who'>

/** Of an image of our registry, under whichever of its names; undefined for what is in another one. */
export function inOwnRegistry(options: OwnOptions, name: string): OwnName | undefined {
  const host = ownHosts(options).find((one) => name.startsWith(`${one}/`))
  if (host === undefined) return undefined
  const [path = ''] = name.slice(host.length + 1).split('@')
  const [repository = '', tag = 'latest'] = path.split(':')
  return isRepositoryName(repository) ? { repository, tag } : undefined
}

/** As builders on this host reach it, and as clients name it. */
function ownHosts({ ownRegistry, who }: OwnOptions): string[] {
  const hosts = [ownRegistry()?.host, who().registryHost]
  return hosts.filter((host) => host !== undefined)
}

/** Our registry under each of its names, with what lets a build pull what it stands on. */
export async function registriesFor(
  options: OwnOptions & Pick<ImageKindOptions, 'buildLogin'>,
  { image, bases, longestS }: { image: string; bases: readonly string[]; longestS: number },
): Promise<BuildRegistry[]> {
  const own = options.ownRegistry()
  if (own === undefined) return []
  const repositories = bases.flatMap((name) => inOwnRegistry(options, name)?.repository ?? [])
  const login = repositories.length === 0 ? undefined : await options.buildLogin({ image, repositories, longestS })
  return [...new Set(ownHosts(options))].map((host) => ({ host, caFile: own.caFile, ...login }))
}
