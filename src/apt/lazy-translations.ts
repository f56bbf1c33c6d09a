import { hexOf } from '../core/index.ts'
import type { FormatContext } from '../mirror/index.ts'
import type { BlobStore } from '../store/index.ts'
import { unpackInto } from './compile/unpack-into.ts'
import { compileTranslation, TranslationFile, type TranslationTable } from './repository/index.ts'
import { packedIndex, type SuiteIndex } from './upstream/index.ts'

/** Tables of long descriptions by component. What fails is tried again by the next who asks. APT_STANZA_MALFORMED, DECOMPRESS_*. */
export type LazyTranslations = (context: FormatContext) => Promise<ReadonlyMap<string, TranslationTable>>

/**
 * Begins to unpack descriptions and does not wait for them: they are wanted last of all, when the packages have been
 * downloaded, and a second processor has the time until then.
 */
export function beginTranslations(
  loader: { store: BlobStore; cacheFolder: string },
  context: FormatContext,
  indices: readonly SuiteIndex[],
): LazyTranslations {
  let begun: ReturnType<LazyTranslations> | undefined
  const begin: LazyTranslations = (asking) => {
    const running = (begun ??= openAll(loader, asking, indices))
    running.catch(() => {
      if (begun === running) begun = undefined
    })
    return running
  }
  // Who asks for the result is told of a failure.
  begin(context).catch(() => undefined)
  return begin
}

async function openAll(
  loader: { store: BlobStore; cacheFolder: string },
  context: FormatContext,
  indices: readonly SuiteIndex[],
): Promise<ReadonlyMap<string, TranslationTable>> {
  const tables = new Map<string, TranslationTable[]>()
  for (const index of indices) {
    const known = tables.get(index.component) ?? []
    tables.set(index.component, [...known, await openOne(loader, context, index)])
  }
  return new Map([...tables].map(([component, found]) => [component, joinTables(found)]))
}

async function openOne(
  { store, cacheFolder }: { store: BlobStore; cacheFolder: string },
  context: FormatContext,
  index: SuiteIndex,
): Promise<TranslationTable> {
  const place = { folder: cacheFolder, key: hexOf(index.digest) }
  const known = TranslationFile.open(place.folder, place.key)
  if (known !== undefined) return known
  return compileTranslation((file) => unpackInto(packedIndex(store, index), file, context.signal), place)
}

/** Several suites have descriptions for one component: the first that knows one answers. */
function joinTables(tables: readonly TranslationTable[]): TranslationTable {
  const [only] = tables
  if (tables.length === 1 && only !== undefined) return only
  return {
    identity: tables.map((table) => table.identity).join(' '),
    find: (name, md5) => tables.map((table) => table.find(name, md5)).find((found) => found !== undefined),
  }
}
