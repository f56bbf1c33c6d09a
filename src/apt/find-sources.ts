import { digestFromHex } from '../core/index.ts'
import type { MirrorPackage } from '../mirror/index.ts'
import { comparePackages } from './repository/index.ts'
import type { SourceCatalogue, SourcePackage } from './source-catalogue.ts'
import type { Universe } from './universe.ts'

/** A source package that a mirror holds or will hold, and where it comes from. */
export interface FoundSource {
  /** As plans show it; paths are the upstream's. */
  package: MirrorPackage
  from: SourcePackage
}

/**
 * The source package of every binary package, at exactly the version that it was built from, each once. Only what
 * `Source` names: packages of Built-Using and Static-Built-Using are often older than anything that an upstream
 * still has. What no upstream has is a note and no error, since archives drop the source of what they have rebuilt.
 * CACHE_DAMAGED.
 */
export function findSources(
  universe: Universe,
  catalogue: SourceCatalogue,
  rows: Uint32Array,
): { sources: FoundSource[]; notes: string[] } {
  const found = new Map<string, FoundSource>()
  const missing = new Map<string, string>()
  const notes: string[] = []
  for (const row of rows) {
    const { name, version, source, upstream } = universe.packageOf(row)
    const key = `${source.name} ${source.version}`
    if (missing.has(key)) continue
    const from = catalogue.find(source.name, source.version, upstream)
    const known = found.get(key)
    if (from === undefined) missing.set(key, `${name} ${version}`)
    else if (known === undefined) found.set(key, { package: describe(from, `source of ${name}`), from })
    else if (!isSame(known.from, from)) notes.push(disagreement(known.from, from))
  }
  return {
    sources: [...found.values()].sort((a, b) => comparePackages(a.package, b.package)),
    notes: [
      ...new Set(notes),
      ...Array.from(missing, ([key, wantedBy]) => `no upstream has source ${key}, of ${wantedBy}`),
    ],
  }
}

/** Both kinds of package as plans and snapshots show them, in their order. */
export function withSources(
  binaries: readonly MirrorPackage[],
  sources: readonly FoundSource[] = [],
): readonly MirrorPackage[] {
  if (sources.length === 0) return binaries
  return [...binaries, ...sources.map((source) => source.package)].sort(comparePackages)
}

function describe({ name, version, directory, files, upstream }: SourcePackage, reason: string): MirrorPackage {
  const all = files.map((file) => ({
    path: `${directory}/${file.name}`,
    sizeBytes: file.sizeBytes,
    digest: digestFromHex(file.sha256),
  }))
  const { path, digest } = all.find((file) => file.path.endsWith('.dsc')) ?? all[0]!
  const sizeBytes = all.reduce((sum, file) => sum + file.sizeBytes, 0)
  return { name, version, architecture: 'source', sizeBytes, path, digest, upstream, reason, files: all }
}

function isSame(a: SourcePackage, b: SourcePackage): boolean {
  return a === b || digestList(a) === digestList(b)
}

function digestList({ files }: SourcePackage): string {
  return files.map((file) => file.sha256).join()
}

function disagreement({ name, version, upstream }: SourcePackage, other: SourcePackage): string {
  return `source ${name} ${version} is not the same in ${upstream} and ${other.upstream}: that of ${upstream} is taken`
}
