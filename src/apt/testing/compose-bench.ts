import type { TreeEntry } from '../../publish/index.ts'
import type { LeaseId } from '../../store/index.ts'
import { MemoryBlobStore } from '../../store/testing/index.ts'
import { memoryCache } from '../../pieces/testing/memory-cache.ts'
import { composeRepository, poolEntries, type ComposeOptions, type RepositoryMeta } from '../repository/compose.ts'
import type { RepositoryPackage } from '../repository/repository-package.ts'
import { syntheticPackage } from '../repository/testing/synthetic-package.ts'

export const lease = 'lease' as LeaseId

/** Composes into one store, with one cache. */
export interface ComposeBench {
  store: MemoryBlobStore
  compose(
    packages: readonly RepositoryPackage[],
    more?: Partial<ComposeOptions>,
  ): Promise<{ entries: TreeEntry[]; meta: RepositoryMeta }>
  content(entries: readonly TreeEntry[], path: string): Promise<Buffer>
}

export function composeBench(): ComposeBench {
  const store = new MemoryBlobStore()
  const cache = memoryCache()
  return {
    store,
    compose: async (packages, more) => {
      const parts = await composeRepository({
        packages,
        store,
        lease,
        cache,
        cacheKey: 'base',
        suite: 'bookworm',
        origin: 'Larder',
        label: 'campus base',
        components: ['main'],
        architectures: ['amd64'],
        ...more,
      })
      return { entries: [...poolEntries(parts.packages), ...parts.files], meta: parts.meta }
    },
    content: async (entries, path) => {
      const entry = entries.find((candidate) => candidate.path === path)
      if (entry === undefined) throw new Error(`no ${path} among ${entries.map((each) => each.path).join(' ')}`)
      const parts = entry.parts ?? [entry]
      return Buffer.concat(await Promise.all(parts.map((part) => store.readWhole(part.digest))))
    },
  }
}

/** Packages in no order. */
export const many = (count: number): RepositoryPackage[] =>
  Array.from({ length: count }, (_, index) => syntheticPackage(`p${(index * 7919) % 100_003}-x`))

/** A thousand that are known by their identity, and how many of their stanzas are read meanwhile. */
export function countedPackages() {
  let reads = 0
  const packages = many(1000).map((item, index) => ({
    ...item,
    identity: `index:${index}`,
    stanza: () => (reads++, item.stanza()),
  }))
  return {
    packages,
    async readsDuring(work: () => Promise<unknown>): Promise<number> {
      reads = 0
      await work()
      return reads
    },
  }
}

/** How many blobs there are. */
export async function blobCount(store: MemoryBlobStore): Promise<number> {
  let blobs = 0
  for await (const { sizeBytes } of store.list()) blobs += sizeBytes < 0 ? 0 : 1
  return blobs
}
