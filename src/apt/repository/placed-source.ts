import { digestOf, hexOf, type Digest } from '../../core/index.ts'
import type { TreeEntry } from '../../publish/index.ts'
import { mayBeginChunk, type Cuttable } from '../../pieces/index.ts'
import type { PlacedPackage } from './placed-package.ts'
import { isPoolFolder, poolFolder } from './pool-path.ts'
import { publishSourceStanza } from './publish-source-stanza.ts'
import type { RepositorySource } from './repository-source.ts'
import { comparePackages } from './sort-packages.ts'

/** A source package with its place in the published repository. */
export interface PlacedSource extends Cuttable {
  component: string
  /** In the repository; the files lie in it. */
  directory: string
  /** Ends with a newline; equal fingerprints, equal published stanzas. */
  fingerprint: string
  source: RepositorySource
}

/**
 * Sorted by name and version. The upstream's `Directory` is kept wherever it is sane and all files of the source are
 * free there, or there already with the same content (revisions of a package share its tarball). Otherwise it is
 * `pool/<component>/<prefix>/<name>`, with a folder named after the first file's digest when even that is taken.
 * Binary packages come first: where they lie never depends on sources. The same set in another order gives the same
 * answer.
 */
export function placeSources(
  sources: readonly RepositorySource[],
  packages: readonly PlacedPackage[],
  defaultComponent: string,
): PlacedSource[] {
  const claims = new PoolClaims()
  for (const { path, source } of packages) claims.add(path, source.digest)
  const sorted = sources.toSorted((a, b) => comparePackages(sortable(a), sortable(b)))
  return sorted.map((source, index) => {
    const { name, version, component = defaultComponent } = source
    const previous = sorted[index - 1]
    if (previous?.name === name && previous.version === version)
      throw new Error(`source package ${name} ${version} was given twice`)
    const directory = placeOf(source, component, claims)
    for (const file of source.files) claims.add(`${directory}/${file.name}`, file.digest)
    const identity = source.identity ?? digestOf(source.stanza())
    return {
      name,
      mayBegin: mayBeginChunk(name),
      component,
      directory,
      fingerprint: directory === source.directory ? `${identity}\n` : `${identity} ${directory}\n`,
      source,
    }
  })
}

/** Files of the sources, each once. */
export function sourceEntries(sources: readonly PlacedSource[]): TreeEntry[] {
  const entries = new Map<string, TreeEntry>()
  for (const { directory, source } of sources) {
    for (const { name, sizeBytes, digest } of source.files) {
      const path = `${directory}/${name}`
      entries.set(path, { path, sizeBytes, digest, stable: true })
    }
  }
  return [...entries.values()]
}

/** As it stands in Sources, with the empty line behind it. */
export function renderSourceStanza({ source, directory }: PlacedSource): Buffer {
  return Buffer.concat([publishSourceStanza(source.stanza(), { ...source, directory }), newline])
}

const newline = Buffer.from('\n')

function sortable({ name, version }: RepositorySource): Parameters<typeof comparePackages>[0] {
  return { name, version, architecture: 'source' }
}

function placeOf(source: RepositorySource, component: string, claims: PoolClaims): string {
  const { name, version, files, directory } = source
  const usual = poolFolder(name, component)
  const wishes = [...(isPoolFolder(directory) ? [directory] : []), usual, `${usual}/${hexOf(files[0]!.digest)}`]
  const place = wishes.find((wish) => files.every((file) => claims.isFree(`${wish}/${file.name}`, file.digest)))
  if (place === undefined) throw new Error(`no free folder in the pool for source ${name} ${version}`)
  return place
}

/** Which paths are files with which content, and which are folders: no path is ever both. */
class PoolClaims {
  readonly #files = new Map<string, Digest>()
  readonly #folders = new Set<string>()

  add(path: string, digest: Digest): void {
    this.#files.set(path, digest)
    for (const folder of foldersOf(path)) {
      if (this.#folders.has(folder)) return
      this.#folders.add(folder)
    }
  }

  isFree(path: string, digest: Digest): boolean {
    const owner = this.#files.get(path)
    if (owner !== undefined) return owner === digest
    return !this.#folders.has(path) && !foldersOf(path).some((folder) => this.#files.has(folder))
  }
}

/** The nearest first. */
function foldersOf(path: string): string[] {
  const folders: string[] = []
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1))
    folders.push(path.slice(0, slash))
  return folders
}
