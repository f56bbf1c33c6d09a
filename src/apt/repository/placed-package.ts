import { digestOf } from '../../core/index.ts'
import { mayBeginChunk, type Cuttable } from '../../pieces/index.ts'
import { assignPoolPaths } from './pool-path.ts'
import { publishStanza } from './publish-stanza.ts'
import type { RepositoryPackage } from './repository-package.ts'
import { comparePackages, sortPackages } from './sort-packages.ts'
import type { PlacedBefore } from './placed-before.ts'

/** A package with its place in the published repository. */
export interface PlacedPackage extends Cuttable {
  component: string
  architecture: string
  /** In the repository. */
  path: string
  /** An earlier package has the same file. */
  isShared: boolean
  /** Ends with a newline; equal fingerprints, equal published stanzas. */
  fingerprint: string
  source: RepositoryPackage
}

/**
 * Sorted, each package once. The same set in another order gives the same answer, and what was placed before changes
 * nothing but the time it takes: the packages that are given again, as the same objects, are answered as they were.
 */
export function placePackages(
  packages: readonly RepositoryPackage[],
  defaultComponent: string,
  before?: PlacedBefore,
): readonly PlacedPackage[] {
  const sorted = sortPackages(packages)
  refuseTwice(sorted)
  const again = before?.placeAgain(sorted, defaultComponent)
  if (again !== undefined) return again
  const { paths, shared } = assignPoolPaths(sorted, defaultComponent)
  const placed = sorted.map((source, index) =>
    placeAt(source, { path: paths[index]!, isShared: shared.has(index), defaultComponent }),
  )
  before?.remember(placed, defaultComponent)
  return placed
}

export function placeAt(
  source: RepositoryPackage,
  { path, isShared, defaultComponent }: { path: string; isShared: boolean; defaultComponent: string },
): PlacedPackage {
  return new Placed(source, path, { isShared, component: source.component ?? defaultComponent })
}

class Placed implements PlacedPackage {
  readonly name: string
  readonly mayBegin: boolean
  readonly component: string
  readonly path: string
  readonly isShared: boolean
  readonly source: RepositoryPackage

  constructor(source: RepositoryPackage, path: string, more: { isShared: boolean; component: string }) {
    this.name = source.name
    this.mayBegin = mayBeginChunk(source.name)
    this.component = more.component
    this.path = path
    this.isShared = more.isShared
    this.source = source
  }

  get architecture(): string {
    return this.source.architecture
  }

  /** Not kept: it is asked for where something changed. */
  get fingerprint(): string {
    const { source, path } = this
    const identity = source.identity ?? digestOf(source.stanza())
    return path === source.filename ? `${identity}\n` : `${identity} ${path}\n`
  }
}

function refuseTwice(sorted: readonly RepositoryPackage[]): void {
  for (let index = 1; index < sorted.length; index++) {
    const [previous, source] = [sorted[index - 1]!, sorted[index]!]
    if (previous.name === source.name && comparePackages(previous, source) === 0)
      throw new Error(`package ${source.name} ${source.version} ${source.architecture} was given twice`)
  }
}

/** As it stands in Packages, with the empty line behind it. */
export function renderStanza({ source, path }: PlacedPackage): Buffer {
  const { name, sizeBytes, digest } = source
  const stanza = publishStanza(source.stanza(), { name, sizeBytes, digest, path })
  return Buffer.concat([stanza, newline])
}

const newline = Buffer.from('\n')
