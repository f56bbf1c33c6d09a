import { planManifest, planSourceManifest, type MirrorPackage } from '../../mirror/index.ts'
import type { IndexPlan } from '../../pieces/index.ts'
import type { PlacedPackage } from './placed-package.ts'
import type { PlacedSource } from './placed-source.ts'

/** The manifest of binary packages. */
export function planPackageLines(packages: readonly PlacedPackage[]): IndexPlan {
  return planManifest(packages, { fingerprint, describe })
}

/** The manifest of source packages. */
export function planSourceLines(sources: readonly PlacedSource[]): IndexPlan {
  return planSourceManifest(sources, { fingerprint, describe: describeSource })
}

function fingerprint({ source, fingerprint }: PlacedPackage | PlacedSource): string {
  return `${source.upstream}\t${source.reason}\t${fingerprint}`
}

function describe({ source, path }: PlacedPackage): MirrorPackage {
  const { name, version, architecture, sizeBytes, digest, upstream, reason } = source
  return { name, version, architecture, sizeBytes, path, digest, upstream, reason }
}

/** Its digest is that of the .dsc, which promises the other files. */
function describeSource({ source, directory }: PlacedSource): MirrorPackage {
  const { name, version, upstream, reason } = source
  const files = source.files.map((file) => ({
    path: `${directory}/${file.name}`,
    sizeBytes: file.sizeBytes,
    digest: file.digest,
  }))
  const { path, digest } = files.find((file) => file.path.endsWith('.dsc')) ?? files[0]!
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  return { name, version, architecture: 'source', sizeBytes, path, digest, upstream, reason, files }
}
