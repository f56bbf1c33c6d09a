import { join } from 'node:path'
import { type BuildahSettings, removeSettings, writeSettings } from './buildah-settings.ts'
import { type BuildahStore, buildahFolder, storesIn } from './buildah-store.ts'
import type { PruneOptions } from './image-builder.ts'
import { runEngine } from './run-engine.ts'
import { sizeOnDisk } from './size-on-disk.ts'
import { UsedImages } from './used-images.ts'

/** An image may be of many files. */
const longestRemovalMs = 300_000

/** Images of all its stores go, oldest use first, base images and what failed builds left among them. */
export async function pruneBuildah(options: PruneOptions, mayGoOn: () => boolean): Promise<number> {
  const { cacheFolder, maxBytes } = options
  const stores = await storesIn(buildahFolder(cacheFolder))
  const sizeBytes = (): Promise<number> => sizeOnDisk(stores.map(({ root }) => root))
  if (stores.length === 0 || (await sizeBytes()) <= maxBytes) return 0
  const settings = await writeSettings({ cacheFolder })
  try {
    const images = await imagesIn(stores, { ...options, settings })
    const used = usedByBuildah(settings)
    await used.sync([...images.keys()])
    const remove = async (id: string): Promise<boolean> => (await images.get(id)?.()) ?? false
    return await used.forgetOldest({ maxBytes, sizeBytes, remove, mayGoOn })
  } finally {
    await removeSettings(settings)
  }
}

/** By the hex of their ids: what removes each from wherever it is, and answers whether it is gone. */
async function imagesIn(
  stores: readonly BuildahStore[],
  { settings, signal }: Pick<PruneOptions, 'signal'> & { settings: BuildahSettings },
): Promise<Map<string, () => Promise<boolean>>> {
  const { environment } = settings
  const ending = { environment, signal, timeoutMs: longestRemovalMs, package: 'buildah' }
  const images = new Map<string, () => Promise<boolean>>()
  for (const { options } of stores) {
    const run = (args: readonly string[], onLine: (line: string) => void = () => undefined): Promise<number> =>
      runEngine('buildah', [...options, ...args], { ...ending, onLine })
    await run(['images', '--quiet', '--no-trunc'], (line) => {
      const id = line.trim().replace(/^sha256:/, '')
      const elsewhere = images.get(id)
      images.set(id, async () => {
        const isGone = (await run(['rmi', '--', id])) === 0
        return ((await elsewhere?.()) ?? true) && isGone
      })
    })
  }
  return images
}

export function usedByBuildah({ folder }: Pick<BuildahSettings, 'folder'>): UsedImages {
  return new UsedImages(join(folder, 'used'))
}
