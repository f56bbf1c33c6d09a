import type { ModuleBuild, ModuleMetadata } from './closure/request.ts'
import type { Universe } from './universe.ts'

/** A build of an active stream, and what the universe has of it. */
export interface ActiveBuild {
  /** `nodejs:20` */
  stream: string
  rows: readonly number[]
  /** Packages of the mirror's architectures that no upstream has: `name-epoch:version-release.architecture`. */
  missing: readonly string[]
}

export interface ModuleFilter {
  /** 1 for rows that are not to be taken: of streams that are not active, or masked by one that is. */
  hidden: Uint8Array
  active: readonly ActiveBuild[]
  /** Streams, not active, that have a package of that name: `nodejs:18`. */
  streamsWith(name: string): string[]
  /** All that there are. */
  streams: readonly string[]
}

/**
 * Which rows modules hide. Of each module one stream is active: that which `streams` names, or the default one, or one
 * that an active stream needs. Of an active stream its newest version counts. Its packages mask those of the same name
 * that are of no module, and those that provide the name. Source: "Modularity" of the dnf documentation.
 *
 * `streams`: `name:stream`. A module of which two are named has both.
 */
export function filterModules(
  universe: Universe,
  { metadata, streams }: { metadata: ModuleMetadata; streams: readonly string[] },
): ModuleFilter {
  const hidden = new Uint8Array(universe.rowCount)
  const rowsOf = new Map(metadata.builds.map((build) => [build, rowsOfBuild(universe, build)]))
  const active = findActive(metadata, streams)
  for (const { rows } of rowsOf.values()) for (const row of rows) hidden[row] = 1
  const isModular = hidden.slice()
  const found: ActiveBuild[] = active.map((build) => ({ stream: streamOf(build), ...rowsOf.get(build)! }))
  for (const { rows } of found) for (const row of rows) hidden[row] = 0
  for (const build of active) for (const name of namesOf(build)) mask(universe, name, { hidden, isModular })
  return {
    hidden,
    active: found,
    streams: [...new Set(metadata.builds.map(streamOf))].sort(),
    streamsWith: (name) => {
      const builds = metadata.builds.filter((build) =>
        rowsOf.get(build)!.rows.some((row) => universe.name(row) === name),
      )
      return [...new Set(builds.map(streamOf))].sort()
    },
  }
}

function streamOf({ module, stream }: ModuleBuild): string {
  return `${module}:${stream}`
}

function mask(
  universe: Universe,
  name: string,
  { hidden, isModular }: { hidden: Uint8Array; isModular: Uint8Array },
): void {
  for (const row of universe.rowsNamed(name)) if (isModular[row] === 0) hidden[row] = 1
  const pairs = universe.providersOf(name)
  for (let i = 0; i < pairs.length; i += 2) if (isModular[pairs[i]!] === 0) hidden[pairs[i]!] = 1
}

/** The newest builds of the active streams, in the order of the metadata. */
function findActive({ builds, defaults }: ModuleMetadata, streams: readonly string[]): ModuleBuild[] {
  const wanted = new Map<string, Set<string>>()
  const named = new Set(streams.map((stream) => stream.slice(0, stream.indexOf(':'))))
  const want = (module: string, stream: string): void => {
    const known = wanted.get(module)
    if (known === undefined) wanted.set(module, new Set([stream]))
    else known.add(stream)
  }
  for (const stream of streams) want(stream.slice(0, stream.indexOf(':')), stream.slice(stream.indexOf(':') + 1))
  for (const [module, stream] of Object.entries(defaults)) if (!named.has(module)) want(module, stream)
  const has = ({ module, stream }: ModuleBuild): boolean => wanted.get(module)?.has(stream) === true
  const newest = newestOf(builds)
  // A stream that an active one needs is active; and may itself need others.
  for (let isChanged = true; isChanged;) {
    isChanged = false
    for (const build of newest.filter(has))
      for (const [module, wantedStreams] of Object.entries(build.requires ?? {})) {
        if (wanted.has(module)) continue
        const candidates = newest.filter((other) => other.module === module)
        const next = candidates.find(({ stream }) => wantedStreams.length === 0 || wantedStreams.includes(stream))
        if (next === undefined) continue
        want(module, next.stream)
        isChanged = true
      }
  }
  return newest.filter((build) => has(build) && isFitting(build, wanted))
}

/** Builds of one version differ by the streams that they were built against. */
function isFitting({ requires = {} }: ModuleBuild, wanted: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  return Object.entries(requires).every(([module, streams]) => {
    const active = wanted.get(module)
    return active === undefined || streams.length === 0 || streams.some((stream) => active.has(stream))
  })
}

function newestOf(builds: readonly ModuleBuild[]): ModuleBuild[] {
  const newest = new Map<string, bigint>()
  const keyOf = ({ module, stream, context }: ModuleBuild): string => JSON.stringify([module, stream, context])
  const versionOf = ({ version }: ModuleBuild): bigint => (/^\d{1,40}$/.test(version) ? BigInt(version) : 0n)
  for (const build of builds) {
    const known = newest.get(keyOf(build))
    if (known === undefined || versionOf(build) > known) newest.set(keyOf(build), versionOf(build))
  }
  return builds.filter((build) => versionOf(build) === newest.get(keyOf(build)))
}

const artifactPattern = /^(.+)-(\d+):([^-]+-[^-]+)\.([^.]+)$/

function namesOf({ artifacts }: ModuleBuild): Set<string> {
  const names = new Set<string>()
  for (const artifact of artifacts) {
    const [, name, , , architecture] = artifactPattern.exec(artifact) ?? []
    if (name !== undefined && architecture !== 'src' && architecture !== 'nosrc') names.add(name)
  }
  return names
}

function rowsOfBuild(universe: Universe, { artifacts }: ModuleBuild): { rows: number[]; missing: string[] } {
  const rows: number[] = []
  const missing: string[] = []
  for (const artifact of artifacts) {
    const [, name = '', epoch, version = '', architecture = ''] = artifactPattern.exec(artifact) ?? []
    if (architecture !== 'noarch' && !universe.architectures.includes(architecture)) continue
    const wanted = epoch === '0' ? version : `${epoch}:${version}`
    const row = universe
      .rowsNamed(name)
      .find((other) => universe.version(other) === wanted && universe.architecture(other) === architecture)
    if (row === undefined) missing.push(artifact)
    else rows.push(row)
  }
  return { rows, missing }
}
