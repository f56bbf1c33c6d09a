import { join } from 'node:path'
import { namesIn } from '../../core/index.ts'
import { hostPlatform, parsePlatform, platformName } from '../platform.ts'

/** Where buildah keeps images and layers between builds. */
export interface BuildahStore {
  root: string
  /** Before every command that is about it. */
  options: readonly string[]
}

/** All that is ours of buildah. */
export const buildahFolder = (cacheFolder: string): string => join(cacheFolder, 'buildah')

const rootName = 'root'
const runName = 'run'

/**
 * Each platform has a store: buildah takes from its cache what was built for another platform, and a name of an image
 * means one of them only. `folder`: all that is ours of buildah. Default platform: this host's.
 */
export function storeFor(folder: string, platform: string | undefined): BuildahStore {
  const isForeign = platform !== undefined && platformName(parsePlatform(platform)) !== platformName(hostPlatform())
  return storeNamed(folder, isForeign ? `-${platformName(parsePlatform(platform)).replaceAll('/', '-')}` : '')
}

/** Those that there are. */
export async function storesIn(folder: string): Promise<BuildahStore[]> {
  const names = await namesIn(folder)
  const suffixes = names.flatMap((name) => /^root(|-[a-z0-9-]+)$/.exec(name)?.[1] ?? [])
  return suffixes.sort().map((suffix) => storeNamed(folder, suffix))
}

function storeNamed(folder: string, suffix: string): BuildahStore {
  const root = join(folder, `${rootName}${suffix}`)
  const options = [`--root=${root}`, `--runroot=${join(folder, `${runName}${suffix}`)}`, '--storage-driver=overlay']
  return { root, options }
}
