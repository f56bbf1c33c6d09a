import { LarderError } from '../../core/index.ts'
import type { RpmPackage } from '../rpm-package.ts'
import { formatEvr } from '../version.ts'
import type { PackageHeaders } from './package-headers.ts'
import type { PlacedPackage } from './placed-package.ts'

/**
 * The header of a package, which must be of the name, version and architecture that the metadata gives it: where only
 * packages are signed, somebody could offer an old one, rightly signed, as a newer one or as another. RPM_HEADER_MISMATCH,
 * RPM_MALFORMED, BLOB_MISSING.
 */
export async function headerOfPackage(
  headers: PackageHeaders,
  { source, label }: Pick<PlacedPackage, 'source' | 'label'>,
): Promise<RpmPackage> {
  const rpm = await headers.of({ ...source, label })
  const found = `${rpm.name}-${formatEvr(rpm.evr)}.${rpm.architecture}`
  if (found === label) return rpm
  throw new LarderError('RPM_HEADER_MISMATCH', {
    message: `upstream ${source.upstream}: what its metadata calls ${label} is ${found}.`,
    hint: 'Its metadata was made of other files, or somebody on the way offers you another package: ask the publisher.',
    context: { upstream: source.upstream, package: label, found },
  })
}
