import { digestOf } from '../../core/index.ts'
import { mayBeginChunk, type Cuttable } from '../../pieces/index.ts'
import { assignPoolPaths } from './pool-path.ts'
import { publishStanza } from './publish-stanza.ts'
import type { RepositoryPackage } from './repository-package.ts'
import { comparePackages, sortPackages } from './sort-packages.ts'

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

/** Sorted, each package once. The same set in another order gives the same answer. */
export function placePackages(packages: readonly RepositoryPackage[], defaultComponent: string): PlacedPackage[] {
  const sorted = sortPackages(packages)
  const { paths, shared } = assignPoolPaths(sorted, defaultComponent)
  return sorted.map((source, index) => {
    const previous = sorted[index - 1]
    const sameName = previous?.name === source.name
    if (sameName && comparePackages(previous, source) === 0) {
      throw new Error(`package ${source.name} ${source.version} ${source.architecture} was given twice`)
    }
    const path = paths[index]!
    const identity = source.identity ?? digestOf(source.stanza())
    return {
      name: source.name,
      mayBegin: mayBeginChunk(source.name),
      component: source.component ?? defaultComponent,
      architecture: source.architecture,
      path,
      isShared: shared.has(index),
      fingerprint: path === source.filename ? `${identity}\n` : `${identity} ${path}\n`,
      source,
    }
  })
}

/** As it stands in Packages, with the empty line behind it. */
export function renderStanza({ source, path }: PlacedPackage): Buffer {
  const { name, sizeBytes, digest } = source
  const stanza = publishStanza(source.stanza(), { name, sizeBytes, digest, path })
  return Buffer.concat([stanza, newline])
}

const newline = Buffer.from('\n')
