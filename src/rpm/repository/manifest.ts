import { planManifest, type MirrorPackage } from '../../mirror/index.ts'
import type { IndexPlan } from '../../pieces/index.ts'
import { formatEvr } from '../version.ts'
import type { PlacedPackage } from './placed-package.ts'

/** What the snapshot itself says that it holds. */
export function planPackageLines(packages: readonly PlacedPackage[]): IndexPlan {
  return planManifest(packages, {
    fingerprint: ({ source, fingerprint }) => `${source.upstream}\t${source.reason}\t${fingerprint}`,
    describe,
  })
}

function describe({ source, path }: PlacedPackage): MirrorPackage {
  const { name, evr, architecture, sizeBytes, digest, upstream, reason } = source
  return { name, version: formatEvr(evr), architecture, sizeBytes, path, digest, upstream, reason }
}
