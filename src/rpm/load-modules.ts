import type { FormatContext } from '../mirror/index.ts'
import type { BlobStore } from '../store/index.ts'
import type { ModuleMetadata } from './closure/request.ts'
import type { Repository } from './upstream/index.ts'

/** What the upstreams say of modules, together; undefined where none says anything. */
export async function loadModules(
  _loader: { store: BlobStore },
  _context: Pick<FormatContext, 'signal'>,
  repositories: readonly Repository[],
): Promise<ModuleMetadata | undefined> {
  const files = repositories.flatMap(({ files: all }) => all.get('modules') ?? [])
  return Promise.resolve(files.length === 0 ? undefined : { builds: [], defaults: {} })
}
