import type { RepositoryName } from '../reference.ts'
import { listedManifests } from '../registry/listed-manifests.ts'
import type { Registry } from '../registry/registry.ts'
import type { BuildDetail } from './image-builds.ts'
import type { ImageKindOptions } from './image-kind.ts'
import { inOwnRegistry } from './own-registry.ts'

/** Names of images that a build stands on, as its Dockerfile has them. */
export interface BaseChanges {
  /** They are other images now. */
  changed: string[]
  /** Nothing here says what they are now: they are in other registries, which a plan does not ask. */
  unknown: string[]
}

type BaseOptions = Pick<ImageKindOptions, 'registry' | 'ownRegistry' | 'who' | 'cachedNames'>

/** What became of the images that a build stood on. A name with a digest in it is never another image. */
export async function compareBases(options: BaseOptions, bases: BuildDetail['baseImages']): Promise<BaseChanges> {
  const changes: BaseChanges = { changed: [], unknown: [] }
  for (const { name, digest } of bases) {
    if (name.includes('@')) continue
    const own = inThisRegistry(options, name)
    const state = own === undefined || digest === undefined ? 'unknown' : await stateOf(options.registry, own, digest)
    // What was built for several platforms stood on several images of that name.
    if (state !== 'same' && !changes[state].includes(name)) changes[state].push(name)
  }
  return changes
}

/** Not of what ours reads through: its owner may have changed it there. */
function inThisRegistry(options: BaseOptions, name: string): ReturnType<typeof inOwnRegistry> {
  const own = inOwnRegistry(options, name)
  const [prefix = ''] = own?.repository.split('/') ?? []
  return options.cachedNames.includes(prefix) ? undefined : own
}

async function stateOf(
  registry: Registry,
  { repository, tag }: { repository: RepositoryName; tag: string },
  digest: string,
): Promise<keyof BaseChanges | 'same'> {
  const now = await registry.manifest(repository, { tag })
  if (now === undefined) return 'unknown'
  if (now.digest === digest) return 'same'
  // Of several platforms: what was built upon is one of them.
  const listed = await listedManifests(registry, repository, now)
  return listed.some((one) => one.digest === digest) ? 'same' : 'changed'
}
