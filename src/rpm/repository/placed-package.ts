import { digestOf, hexOf } from '../../core/index.ts'
import { mayBeginChunk, type Cuttable } from '../../pieces/index.ts'
import { formatEvr } from '../version.ts'
import { assignPaths } from './package-path.ts'
import type { PublishedChecksum } from './package-xml.ts'
import { publishedChecksum } from './publish-fragment.ts'
import type { RepositoryPackage } from './repository-package.ts'
import { comparePackages, sortPackages } from './sort-packages.ts'

/** A package with its place in the published repository. */
export interface PlacedPackage extends Cuttable {
  /** In the repository. */
  path: string
  /** What all three indices know it by. */
  checksum: PublishedChecksum
  /** `nginx-1:1.22-3.el9.x86_64` */
  label: string
  /** Ends with a newline; equal fingerprints, equal text in primary.xml. */
  fingerprint: string
  source: RepositoryPackage
}

/** Sorted, each package once. The same set in another order gives the same answer. */
export function placePackages(packages: readonly RepositoryPackage[]): PlacedPackage[] {
  const sorted = sortPackages(packages)
  const paths = assignPaths(sorted)
  return sorted.map((source, index) => {
    const { name, evr, architecture, primary, digest } = source
    const label = `${name}-${formatEvr(evr)}.${architecture}`
    const previous = sorted[index - 1]
    if (previous !== undefined && comparePackages(previous, source) === 0) {
      throw new Error(`package ${label} was given twice`)
    }
    const path = paths[index]!
    const identity = primary === undefined ? 'header' : (primary.identity ?? digestOf(primary.fragment()))
    const fingerprint = `${identity} ${hexOf(digest)} ${path}\n`
    const checksum = publishedChecksum(primary, digest)
    return { name, mayBegin: mayBeginChunk(name), path, checksum, label, fingerprint, source }
  })
}
