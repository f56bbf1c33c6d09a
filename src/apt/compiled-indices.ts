import { hexOf } from '../core/index.ts'
import type { BlobStore } from '../store/index.ts'
import { compileIndex } from './compile-index.ts'
import { unpackText } from './compile/packed-text.ts'
import { PackageIndex } from './package-index.ts'
import { packedIndex, type Suite, type SuiteIndex } from './upstream/index.ts'

/**
 * The compiled index; compiles it when there is none, or only a damaged one, or one of an older Larder: in this thread, in
 * steps of a millisecond. APT_STANZA_MALFORMED, DECOMPRESS_*, DISK_FULL, CANCELLED.
 */
export async function openCompiledIndex(
  { store, cacheFolder }: { store: BlobStore; cacheFolder: string },
  { suite, index }: { suite: Suite; index: SuiteIndex },
  signal: AbortSignal,
): Promise<PackageIndex> {
  const kind = index.kind === 'Sources' ? 'sources' : 'packages'
  const what = kind === 'sources' ? 'source' : index.architecture
  const label = `upstream ${suite.upstream}, ${suite.suite}/${index.component} ${what}`
  const options = { folder: cacheFolder, key: hexOf(index.digest), kind, label } as const
  const known = PackageIndex.open(options.folder, options.key)
  return known ?? compileIndex(unpackText(packedIndex(store, index), signal), options)
}

export function isOfPackages({ kind }: Pick<SuiteIndex, 'kind'>): boolean {
  return kind === 'Packages' || kind === 'Sources'
}
