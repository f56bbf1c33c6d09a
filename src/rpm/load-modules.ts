import type { FormatContext } from '../mirror/index.ts'
import type { BlobStore } from '../store/index.ts'
import type { ModuleMetadata } from './closure/request.ts'
import { parseModules, type Modules } from './modules.ts'
import { readDataFile, type Repository } from './upstream/index.ts'

/** What the upstreams say of modules. */
export interface LoadedModules {
  /** All together; of defaults, those of the preferred upstream. */
  metadata: ModuleMetadata
  /** Of each upstream that has some, in the order of preference. */
  files: readonly Modules[]
}

/** Undefined where no upstream says anything. RPM_MODULES_MALFORMED, DECOMPRESS_*, CANCELLED. */
export async function loadModules(
  { store }: { store: BlobStore },
  { signal }: Pick<FormatContext, 'signal'>,
  repositories: readonly Repository[],
): Promise<LoadedModules | undefined> {
  const files: Modules[] = []
  for (const repository of repositories) {
    const file = repository.files.get('modules')
    if (file === undefined) continue
    const bytes = await readDataFile(store, file, signal)
    files.push(await parseModules(bytes, `upstream ${repository.upstream}, ${file.href}`))
  }
  if (files.length === 0) return undefined
  const defaults = Object.assign({}, ...files.map((file) => file.defaults).reverse()) as Record<string, string>
  return { metadata: { builds: files.flatMap(({ builds }) => builds), defaults }, files }
}
