import { hexOf, type Digest } from '../../core/index.ts'
import { composeFiles, PieceMemory, type ComposeFilesOptions, type Remembered } from '../../pieces/index.ts'
import type { TreeEntry } from '../../publish/index.ts'
import { planContents } from './contents-index.ts'
import type { FileLists } from './file-lists.ts'
import { planSourceLines } from './manifest.ts'
import type { PlacedBefore } from './placed-before.ts'
import { placePackages, type PlacedPackage } from './placed-package.ts'
import { placeSources, sourceEntries } from './placed-source.ts'
import { planIndices, type Layout } from './plan-indices.ts'
import { planSources } from './plan-sources.ts'
import { architectureRelease, type ReleaseFacts } from './release-text.ts'
import type { RepositoryPackage } from './repository-package.ts'
import type { RepositorySource } from './repository-source.ts'
import type { TranslationTable } from './translation-index.ts'

export interface ComposeOptions extends Layout, ReleaseFacts, Omit<ComposeFilesOptions, 'memory'> {
  packages: readonly RepositoryPackage[]
  /** Given, though it be empty, when the mirror is to have `source/Sources`. */
  sources?: readonly RepositorySource[]
  /** By component; a component without one has no Translation-en. */
  translations?: ReadonlyMap<string, TranslationTable>
  /** Given when the mirror is to have Contents files: `createFileLists`. */
  contents?: FileLists
  /** Shared by all compositions of the process. Default: one for this call. */
  memory?: PieceMemory
  /** How packages were placed the last time, which makes it quicker. */
  before?: PlacedBefore
}

/** What a repository is made of. */
export interface RepositoryParts {
  packages: readonly PlacedPackage[]
  /** All entries of its tree but the packages' and the signed ones, in no order. */
  files: TreeEntry[]
  meta: RepositoryMeta
}

/** What the sealer needs to know of a snapshot. JSON. */
export interface RepositoryMeta extends ReleaseFacts {
  format: 'apt'
  /** There are Sources indices. */
  sources?: true
  /** What Release lists; paths below `dists/<suite>/`, sorted. */
  files: { path: string; sizeBytes: number; digest: Digest }[]
}

/**
 * Writes the index files of a repository. A function of packages and options alone: what is cached makes it quick,
 * never different. DISK_FULL.
 */
export async function composeRepository(options: ComposeOptions): Promise<RepositoryParts> {
  const defaultComponent = options.components[0] ?? 'main'
  const packages = placePackages(options.packages, defaultComponent, options.before)
  const sources = options.sources && placeSources(options.sources, packages, defaultComponent)
  const { files } = await composeFiles(
    { ...options, memory: options.memory ?? new PieceMemory() },
    async (remembered) => {
      const contents = await contentsOf(options, packages, remembered)
      const indices = [
        ...planIndices(packages, options, options.translations ?? new Map()),
        ...contents.plans,
        ...(sources === undefined ? [] : [...planSources(sources, options), planSourceLines(sources)]),
      ]
      return { indices, small: architectureReleases(options), remembered: contents.remembered }
    },
  )
  const listed = files.filter((file) => file.path.startsWith(`dists/${options.suite}/`))
  return {
    packages,
    files: [...sourceEntries(sources ?? []), ...files, ...listed.map(byHashEntry)],
    meta: metaOf(options, listed),
  }
}

async function contentsOf(
  options: ComposeOptions,
  packages: readonly PlacedPackage[],
  remembered: Remembered,
): ReturnType<typeof planContents> {
  if (options.contents === undefined) return { plans: [], remembered: new Map() }
  return await planContents(packages, options, { lists: options.contents, remembered })
}

/** Where packages lie; one that shares the file of another has no entry. */
export function poolEntries(packages: readonly PlacedPackage[]): TreeEntry[] {
  const owners = packages.filter((item) => !item.isShared)
  return owners.map(({ path, source: { sizeBytes, digest } }) => ({ path, sizeBytes, digest, stable: true }))
}

function architectureReleases(options: ComposeOptions): { path: string; bytes: Buffer }[] {
  const folders = options.architectures.map((architecture) => ({ architecture, folder: `binary-${architecture}` }))
  if (options.sources !== undefined) folders.push({ architecture: 'source', folder: 'source' })
  return options.components.flatMap((component) =>
    folders.map(({ architecture, folder }) => ({
      path: `dists/${options.suite}/${component}/${folder}/Release`,
      bytes: Buffer.from(architectureRelease(options, component, architecture)),
    })),
  )
}

function metaOf(options: ComposeOptions, listed: readonly TreeEntry[]): RepositoryMeta {
  const prefix = `dists/${options.suite}/`
  const files = listed
    .map(({ path, sizeBytes, digest }) => ({ path: path.slice(prefix.length), sizeBytes, digest }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const { suite, codename, origin, label, description, components, architectures } = options
  return {
    format: 'apt',
    ...(options.sources !== undefined && { sources: true }),
    suite,
    ...(codename !== undefined && { codename }),
    origin,
    label,
    ...(description !== undefined && { description }),
    components: [...components],
    architectures: [...architectures],
    files,
  }
}

/** The same content under its checksum, where clients that hold an older Release still find it. */
function byHashEntry(entry: TreeEntry): TreeEntry {
  const folder = entry.path.slice(0, entry.path.lastIndexOf('/'))
  return { ...entry, path: `${folder}/by-hash/SHA256/${hexOf(entry.digest)}`, stable: true }
}
